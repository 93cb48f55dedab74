//! A user who may read only totals of survey answers cannot compute a single answer from them.

use serde_json::{Value, json};

use crate::harness::Desk;

/// With every breakdown and the links.
const QUARTER: &str = "/statistics?from_date=2025-10-01&through_date=2025-12-31&by=criticality&by=channel&by=category\
    &by=unit&by=person&by=level&with_links=true";

/// The figures that are computed from answers.
fn computed(figures: &Value) -> [&Value; 3] {
    let surveys = &figures["surveys"];
    [&surveys["satisfied"], &surveys["satisfaction_rate"], &surveys["mean_ratings"]["overall"]]
}

fn is_withheld(figures: &Value, reason: &str) -> bool {
    figures["surveys"]["withheld_reason"] == reason && computed(figures).iter().all(|value| value.is_null())
}

fn answered(figures: &Value) -> i64 {
    figures["surveys"]["answered"].as_i64().unwrap()
}

fn rows<'a>(statistics: &'a Value, list: &str) -> &'a Vec<Value> {
    statistics[list].as_array().unwrap()
}

/// Many finished tickets in five quarters up to the end of 2025, and a category with only one answer in the last
/// quarter.
fn desk_with_one_answer_in_a_category() -> (Desk, Value) {
    let desk = Desk::open();
    desk.database.five_quarters(400);
    let figures = desk.director().get(QUARTER).ok();
    let category = rows(&figures, "by_category").iter().find(|row| answered(row) > 5 && !row["id"].is_null());
    let category = category.unwrap()["id"].clone();
    desk.database.run(&format!(
        "SET session_replication_role = replica; \
         DELETE FROM surveys s USING tickets t WHERE t.id = s.ticket_id AND t.status NOT IN ('closed', 'archived'); \
         DELETE FROM surveys WHERE id IN (SELECT s.id FROM surveys s JOIN tickets t ON t.id = s.ticket_id \
             WHERE t.category_id = {} AND s.answered_at >= '2025-10-01 00:00-05' AND s.answered_at < '2026-01-01 00:00-05' \
             ORDER BY s.id OFFSET 1)",
        category.to_string().replace('"', "'")
    ));
    (desk, category)
}

#[test]
fn technician_totals_have_five_or_more_answers_and_reveal_no_difference() {
    let (desk, category) = desk_with_one_answer_in_a_category();
    let all = desk.director().get(QUARTER).ok();
    let seen = desk.technician().get(QUARTER).ok();
    let of = |statistics: &Value| {
        rows(statistics, "by_category").iter().find(|row| row["id"] == category).unwrap().clone()
    };
    assert_eq!(answered(&of(&all)), 1);
    assert!(!computed(&of(&all))[0].is_null());

    // The total is shown. The single answer is withheld, and so is another category, so that the answer cannot be
    // computed from the others.
    assert_eq!(computed(&seen["tickets"]), computed(&all["tickets"]));
    assert_eq!(seen["surveys"], seen["tickets"]["surveys"]);
    assert!(is_withheld(&of(&seen), "few_answers"));
    let mut open = 0;
    for (row, whole) in rows(&seen, "by_category").iter().zip(rows(&all, "by_category")) {
        let (surveys, counted) = (&row["surveys"], answered(row));
        for shown in ["sent", "responded", "answered", "response_rate"] {
            assert_eq!(surveys[shown], whole["surveys"][shown]);
        }
        match surveys["withheld_reason"].as_str() {
            None => {
                assert_eq!(computed(row), computed(whole));
                assert!(counted == 0 || counted >= 5, "{row}");
                open += i64::from(counted > 0);
            }
            Some("few_answers") => assert!(is_withheld(row, "few_answers") && counted < 5),
            Some("subtraction") => assert!(is_withheld(row, "subtraction") && counted >= 5),
            other => panic!("{other:?}"),
        }
    }
    let withheld = |row: &&Value| !row["surveys"]["withheld_reason"].is_null();
    let hidden: Vec<i64> = rows(&seen, "by_category").iter().filter(withheld).map(answered).collect();
    assert!(hidden.len() >= 2 && hidden.iter().sum::<i64>() >= 5, "{hidden:?}");
    assert!(open > 0);

    // Groups that overlap with the categories are withheld, and so are other periods and filtered figures.
    for list in ["by_criticality", "by_unit", "by_channel"] {
        let all_withheld = |row: &Value| answered(row) == 0 || is_withheld(row, "not_offered");
        assert!(rows(&seen, list).iter().all(all_withheld), "{list}");
        assert!(rows(&seen, list).iter().any(|row| answered(row) > 0), "{list}");
    }
    for path in [
        "/statistics?from_date=2025-10-01&through_date=2025-12-30&by=category".to_owned(),
        "/statistics?from_date=2025-11-01&through_date=2025-11-30&by=category".to_owned(),
        "/statistics?from_date=2025-07-01&through_date=2025-12-31&by=category".to_owned(),
        format!("{QUARTER}&category_id={}", category.as_str().unwrap()),
        format!("{QUARTER}&channel=email"),
    ] {
        let statistics = desk.technician().get(&path).ok();
        assert!(is_withheld(&statistics["tickets"], "not_offered"), "{path}");
        assert!(is_withheld(&statistics, "not_offered"), "{path}");
        let categories = statistics["by_category"].as_array().into_iter().flatten();
        let open = categories.filter(|row| answered(row) > 0);
        assert!(open.into_iter().all(|row| is_withheld(row, "not_offered")), "{path}");
        assert!(!computed(&desk.professional().get(&path).ok()["tickets"])[0].is_null());
    }
    let months = desk.technician().get(&format!("{QUARTER}&interval=month")).ok();
    assert!(rows(&months, "series").iter().all(|part| is_withheld(part, "not_offered")));
    assert!(!computed(&months["previous"])[0].is_null());
    let year = desk
        .technician()
        .get("/statistics?from_date=2025-01-01&through_date=2025-12-31&interval=quarter")
        .ok();
    assert!(rows(&year, "series").iter().all(|part| !computed(part)[0].is_null()));
    // What is withheld does not depend on which breakdowns are asked for.
    for by in ["category", "category&by=unit", "category&by=criticality&by=level"] {
        let asked = format!("/statistics?from_date=2025-10-01&through_date=2025-12-31&by={by}");
        let some = desk.technician().get(&asked).ok();
        assert_eq!(some["surveys"], seen["surveys"], "{by}");
        for (row, same) in rows(&some, "by_category").iter().zip(rows(&seen, "by_category")) {
            assert_eq!((&row["id"], &row["surveys"]), (&same["id"], &same["surveys"]), "{by}");
        }
    }
    let usual = desk.technician().get("/statistics?from_date=2025-10-01&through_date=2025-12-31").ok();
    assert_eq!((&usual["surveys"], &usual["by_category"]), (&seen["surveys"], &json!([])));
    assert!(
        rows(&usual, "by_channel").iter().all(|row| answered(row) == 0 || is_withheld(row, "not_offered"))
    );
    assert!(!seen.to_string().contains("satisfied=true"));
    assert!(all.to_string().contains("satisfied=true"));
}

#[test]
fn figures_that_may_still_change_are_withheld() {
    // A ticket that is not closed can be reopened and moved to another category, and the difference would reveal its
    // answer.
    let desk = Desk::open();
    desk.database.five_quarters(400);
    let open = "SELECT count(*) FROM surveys s JOIN tickets t ON t.id = s.ticket_id \
        WHERE s.answered_at BETWEEN '2025-10-02' AND '2025-12-31' AND t.status NOT IN ('closed', 'archived')";
    assert!(desk.database.count(open) > 0);
    let seen = desk.technician().get(QUARTER).ok();
    assert!(!computed(&seen["tickets"])[0].is_null());
    let answered = rows(&seen, "by_category").iter().filter(|row| answered(row) > 0);
    assert!(answered.into_iter().all(|row| is_withheld(row, "not_final")));
    // A quarter that is not over is withheld too, because the difference to earlier figures would reveal each new
    // answer.
    let one = desk.ticket_in("solved");
    let ratings = json!({"ratings": {"overall": 1, "timeliness": 1, "courtesy": 1, "solution": 1}});
    desk.requester().post(&format!("{one}/survey"), ratings).created();
    let now: Value = desk.director().get("/reports/quarterly/2025/4").ok()["generated_at"].clone();
    let (year, month) = (&now.as_str().unwrap()[..4], now.as_str().unwrap()[5..7].parse::<u32>().unwrap());
    let report = desk.technician().get(&format!("/reports/quarterly/{year}/{}", month.div_ceil(3))).ok();
    assert!(is_withheld(&report["statistics"]["tickets"], "not_offered"));
}

#[test]
fn a_technicians_report_reveals_no_single_answer_before_or_after_approval() {
    let (desk, category) = desk_with_one_answer_in_a_category();
    let path = "/reports/quarterly/2025/4";
    let draft = desk.technician().get(path).ok();
    let of = |report: &Value| {
        let rows = report["statistics"]["by_category"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == category).unwrap().clone()
    };
    assert!(is_withheld(&of(&draft), "few_answers"));
    assert!(draft["trend"].as_array().unwrap().iter().all(|part| !computed(part)[0].is_null()));
    let name = of(&draft)["name"].as_str().unwrap().to_owned();
    let row = |html: &str| {
        let row = html.split("<tr>").find(|row| row.contains(&format!(">{name}</th>"))).unwrap();
        row.split("</tr>").next().unwrap().to_owned()
    };
    let page = format!("{path}?format=html");
    assert!(row(&desk.technician().get(&page).text()).contains('–'));

    desk.director().post(&format!("{path}/approval"), json!({})).created();
    let approved = desk.technician().get(path).ok();
    assert_eq!(of(&approved), of(&draft));
    assert!(!approved["approval"].is_null());
    assert!(!computed(&of(&desk.director().get(path).ok()))[0].is_null());
    for format in ["json", "html", "xlsx", "pdf"] {
        let one = format!("{path}?format={format}");
        let (seen, whole) = (desk.technician().get(&one).bytes, desk.professional().get(&one).bytes);
        assert_ne!(seen, whole, "{format}");
        // The approved file does not change.
        assert_eq!(desk.technician().get(&one).bytes, seen, "{format}");
    }
    assert!(row(&desk.technician().get(&page).text()).contains('–'));

    // If an approved report has no stored version with totals, that version is generated.
    desk.database.run("SET session_replication_role = replica; DELETE FROM quarterly_report_totals_files");
    let anew = desk.technician().get(path).ok();
    assert!(is_withheld(&of(&anew), "few_answers"));
    assert_eq!(anew["approval"], approved["approval"]);
}

#[test]
fn a_technician_reads_a_measurement_of_five_or_more_answers() {
    let (desk, _) = desk_with_one_answer_in_a_category();
    let list = format!("{}/measurements", desk.indicator("satisfaction"));
    let measured = desk.technician().post(&list, json!({"year": 2025, "quarter": 4})).created();
    assert!(measured["value"].is_number() && measured["withheld"] == false, "{measured}");
    desk.database.run(
        "SET session_replication_role = replica; DELETE FROM surveys WHERE id NOT IN (SELECT id FROM surveys \
             WHERE answered_at >= '2025-10-01 00:00-05' AND answered_at < '2026-01-01 00:00-05' ORDER BY id LIMIT 4)",
    );
    let few = desk.technician().post(&list, json!({"year": 2025, "quarter": 4})).ok();
    let hidden = |one: &Value| {
        assert_eq!(
            [&one["value"], &one["numerator"], &one["light"], &one["withheld"], &one["denominator"]],
            [&json!(null), &json!(null), &json!(null), &json!(true), &json!(4)]
        );
    };
    hidden(&few);
    hidden(&desk.technician().get(&list).items()[0]);
    let one = format!("/measurements/{}", few["id"].as_str().unwrap());
    hidden(&desk.technician().get(&one).ok());
    hidden(&desk.technician().patch(&one, json!({"analysis": "Pocas respuestas."})).ok());
    let whole = desk.professional().get(&one).ok();
    assert!(whole["value"].is_number() && whole["withheld"] == false, "{whole}");
    // Other indicators are not withheld.
    let other = format!("{}/measurements", desk.indicator("timely_attention"));
    let other = desk.technician().post(&other, json!({"year": 2025, "quarter": 4})).created();
    assert_eq!(other["withheld"], false);
}
