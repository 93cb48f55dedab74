//! Staff find a person by parts of the name, the address and the document, by an index.

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

fn person(client: &Client, email: &str, full_name: &str, document: Option<&str>) {
    let body = json!({"email": email, "full_name": full_name, "document_id": document, "role": "requester"});
    client.post("/users", body).created();
}

fn found(client: &Client, typed: &str) -> Vec<Value> {
    let typed: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
    let page = client.get(&format!("/users?with_total=true&q={typed}"));
    let names: Vec<Value> = page.items().iter().map(|user| user["full_name"].clone()).collect();
    assert_eq!(page.ok()["total"], names.len(), "{typed}");
    names
}

#[test]
fn a_person_is_found_by_parts_of_the_name_the_address_and_the_document() {
    let desk = Desk::open();
    let director = desk.director();
    person(&director, "yolanda.ibanez@alcaldia.test", "Yolanda Íbáñez Ñustes", Some("C.C. 71.555.012"));
    person(&director, "w_99%x@alcaldia.test", "Wilmar Quintín", Some("9087654"));
    person(&director, "xiomara@alcaldia.test", "Xiomara Quintana", None);
    let technician = desk.technician();
    let (yolanda, wilmar, xiomara) = ("Yolanda Íbáñez Ñustes", "Wilmar Quintín", "Xiomara Quintana");
    for (typed, names) in [
        ("yolanda", vec![yolanda]),
        ("OLAND", vec![yolanda]),
        ("íbañez", vec![yolanda]),
        ("nustes yol", vec![yolanda]),
        ("Yolanda Íbáñez Ñustes", vec![yolanda]),
        ("yolanda.ibanez@alcaldia.test", vec![yolanda]),
        ("Ibanez@Alcaldia", vec![yolanda]),
        ("yolanda alcaldia", vec![yolanda]),
        ("71555012", vec![yolanda]),
        ("71.555.012", vec![yolanda]),
        ("71 555 012", vec![yolanda]),
        ("cc 71555012", vec![yolanda]),
        ("C.C. No. 71.555.012", vec![yolanda]),
        ("71.555", vec![yolanda]),
        ("555012", vec![yolanda]),
        ("yolanda 71555012", vec![yolanda]),
        ("quint", vec![wilmar, xiomara]),
        ("quint alcaldia", vec![wilmar, xiomara]),
        ("w_99%x", vec![wilmar]),
        ("9%x@", vec![wilmar]),
        ("_99", vec![wilmar]),
        ("9087654", vec![wilmar]),
        ("9.087.654", vec![wilmar]),
        ("xi", vec![xiomara]),
        ("xi qu", vec![xiomara]),
        ("quintana yolanda", vec![]),
        ("71555013", vec![]),
        ("012yolanda", vec![]),
        ("%", vec![wilmar]),
        ("\\", vec![]),
    ] {
        assert_eq!(found(&technician, typed), names, "{typed}");
    }
    assert_eq!(found(&technician, "  ").len(), found(&technician, "").len());
    // The generated address of a person without one is no part of a number.
    desk.database.run(
        "UPDATE users SET email = id::text || '@no-address.invalid' WHERE full_name = 'Xiomara Quintana'",
    );
    let generated = director.get("/users?q=xiomara").items()[0]["email"].as_str().unwrap().to_owned();
    assert_eq!(found(&technician, &generated[..13]), Vec::<Value>::new());
    // Who may not read accounts finds nobody by a document.
    desk.requester().get("/users?q=71555012").problem(403, "forbidden");
    // A corrected document counts at once.
    let page = director.get("/users?q=9087654").items();
    director
        .patch(&format!("/users/{}", page[0]["id"].as_str().unwrap()), json!({"document_id": "1020304"}))
        .ok();
    assert_eq!((found(&technician, "9087654").len(), found(&technician, "1.020.304").len()), (0, 1));
}

#[test]
fn a_search_of_people_reads_an_index() {
    let desk = Desk::open();
    desk.database.run(
        "INSERT INTO users (id, email, role, full_name, document_id)
         SELECT gen_random_uuid(), 'persona' || n || '@entidad.test', 'requester',
             (ARRAY['Ana', 'Luis', 'Rosa', 'Juan', 'Elsa'])[1 + n % 5] || ' ' || md5(n::text), (40000000 + n * 37)::text
         FROM generate_series(1, 20000) AS n",
    );
    desk.database.run("VACUUM ANALYZE users");
    let technician = desk.technician();
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        #[diesel(column_name = "QUERY PLAN")]
        line: String,
    }
    for (typed, count) in [
        ("40370000", 1),
        ("40.370.000", 1),
        ("persona1234@", 1),
        ("inexistente", 0),
        ("rosa persona20000", 0),
    ] {
        assert_eq!(found(&technician, typed).len(), count, "{typed}");
        let plan: Vec<Line> = desk.database.ask(|db| {
            diesel::sql_query(format!(
                "EXPLAIN SELECT * FROM users LEFT JOIN units ON users.unit_id = units.id
                 WHERE (trigrams(person_parts('{typed}')) = '{{}}' OR
                     trigrams(person_texts(users.full_name_key, users.email, users.document_id)) @> trigrams(person_parts('{typed}')))
                 AND has_parts(person_texts(users.full_name_key, users.email, users.document_id), person_parts('{typed}'))
                 ORDER BY full_name_key, users.id LIMIT 51"
            ))
            .load(db)
        })
        .unwrap();
        let plan: Vec<String> = plan.into_iter().map(|line| line.line).collect();
        assert!(plan.iter().any(|line| line.contains("users_texts_idx")), "{typed}: {plan:#?}");
    }
}
