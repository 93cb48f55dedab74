//! Risks and their matrix.

use diesel::RunQueryDsl;
use mesa::improvement::risks::level::RiskLevel;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::states::risk;

#[test]
fn a_risk_is_proposed_assessed_reviewed_and_closed() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    let proposed = technician.post("/risks", risk(technician.id(), "draft")).created();
    assert_eq!(
        (&proposed["risk_level"], &proposed["residual"], &proposed["origin"]["link"]),
        (
            &json!("extreme"),
            &json!({"probability": 2, "impact": 3, "risk_level": "moderate"}),
            &json!("/api/v1/reports/quarterly/2026/3")
        )
    );
    let one = format!("/risks/{}", proposed["id"].as_str().unwrap());
    technician.patch(&one, json!({"status": "active"})).problem(403, "forbidden");
    technician.patch(&one, json!({"probability": 1, "residual": null})).ok();
    let etag = technician.get(&one).header("etag").to_owned();
    professional.with("if-match", etag.clone()).patch(&one, json!({"status": "active"})).ok();
    professional.with("if-match", etag).patch(&one, json!({"impact": 1})).problem(412, "precondition_failed");
    technician.patch(&one, json!({"impact": 1})).problem(403, "forbidden");
    let reviewed =
        json!({"impact": 3, "residual": {"probability": 1, "impact": 2}, "review_on": "2027-06-30"});
    let reviewed = professional.patch(&one, reviewed).ok();
    assert_eq!(
        (&reviewed["risk_level"], &reviewed["residual"]["risk_level"]),
        (&json!("moderate"), &json!("low"))
    );
    assert_eq!(professional.patch(&one, json!({"status": "draft"})).faults()[0].0, "/status");

    // Controls cannot increase a risk, neither through the API nor in the database.
    let worse = professional.patch(&one, json!({"residual": {"impact": 4}}));
    assert_eq!(worse.faults(), [("/residual/impact".into(), "out_of_range".into())]);
    for sql in [
        "UPDATE risks SET residual_impact = 4",
        "UPDATE risks SET residual_impact = NULL",
        "UPDATE risks SET probability = 6",
        "UPDATE risks SET level = 'low'",
        "UPDATE risks SET origin_quarter = NULL",
    ] {
        let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
    let list = |query: &str| professional.get(&format!("/risks?{query}")).items().len();
    assert_eq!(
        (list("status=active"), list("risk_level=moderate&treatment=reduce"), list("risk_level=high")),
        (1, 1, 0)
    );
    assert_eq!(
        (list("review_through_date=2027-06-29"), list("review_through_date=2027-06-30&sort=review_on")),
        (0, 1)
    );
    professional.patch(&one, json!({"status": "closed"})).ok();
    assert_eq!(list("status=active&sort=-review_on"), 0);
}

#[test]
fn the_matrix_has_the_active_risks_as_data_and_as_an_image() {
    let desk = Desk::open();
    let director = desk.director();
    let empty = director.get("/risks/matrix?format=svg").text();
    assert!(empty.contains("No hay riesgos activos."), "{empty}");
    let mut body = risk(desk.technician().id(), "active");
    body["risk"] = json!("Caída del <switch> & \"núcleo\"");
    director.post("/risks", body).created();
    director.post("/risks", risk(desk.technician().id(), "draft")).created();
    let matrix = |query: &str| director.get(&format!("/risks/matrix{query}")).ok();
    let at = |matrix: &Value| -> Vec<(i64, i64)> {
        let cells = matrix["cells"].as_array().unwrap();
        assert_eq!(cells.len(), 25);
        let full = cells.iter().filter(|cell| !cell["risks"].as_array().unwrap().is_empty());
        full.map(|cell| (cell["probability"].as_i64().unwrap(), cell["impact"].as_i64().unwrap())).collect()
    };
    assert_eq!(at(&matrix("")), [(3, 5)]);
    assert_eq!(at(&matrix("?basis=residual")), [(2, 3)]);
    let image = director.get("/risks/matrix?format=svg&basis=residual");
    assert_eq!(image.header("content-type"), "image/svg+xml");
    let text = image.text();
    for words in [
        "<title id=\"titulo\">Matriz de riesgos. Riesgo residual</title>",
        "Probabilidad baja, impacto moderado, nivel moderado. R1: Caída del &lt;switch&gt; &amp;",
        "role=\"img\" aria-labelledby=\"titulo descripcion\" lang=\"es\"",
        "5. Catastrófico",
        ">R1</text>",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(text.matches("<rect").count(), 26);
    assert!(!text.contains("R2"), "drafts are excluded");
    assert_eq!(director.get("/risks/matrix?basis=both").faults()[0].0, "/basis");
}

/// The database derives the level separately; the results are the same.
#[test]
fn code_and_database_have_the_same_levels() {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::SmallInt)]
        probability: i16,
        #[diesel(sql_type = diesel::sql_types::SmallInt)]
        impact: i16,
        #[diesel(sql_type = diesel::sql_types::Text)]
        level: RiskLevel,
    }
    let rows: Vec<Row> = Desk::open()
        .database
        .ask(|db| {
            diesel::sql_query(
                "SELECT p::smallint AS probability, i::smallint AS impact, risk_level(p::smallint, i::smallint) AS level \
                 FROM generate_series(1, 5) AS p, generate_series(1, 5) AS i",
            )
            .load(db)
        })
        .unwrap();
    assert_eq!(rows.len(), 25);
    for row in rows {
        assert_eq!(
            row.level,
            RiskLevel::assess(row.probability, row.impact),
            "{} {}",
            row.probability,
            row.impact
        );
    }
}
