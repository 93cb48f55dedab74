//! Activity 9, note: what access was granted, and whether the head of the unit had requested it.

use diesel::RunQueryDsl;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::{access_grant, soon};
use crate::harness::{Answer, Client, Desk};

/// The category whose solutions record granted access.
fn accounts(desk: &Desk) -> Value {
    let category = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let path = format!("/categories/{}", category.as_str().unwrap());
    let changed = desk.director().patch(&path, json!({"records_access_grants": true})).ok();
    assert_eq!(
        (&changed["records_access_grants"], &changed["required_profile"]),
        (&json!(true), &json!("unit_head"))
    );
    category
}

fn name_head(desk: &Desk, head: Option<&Client>) {
    let unit = format!("/units/{}", desk.unit_id());
    desk.director().patch(&unit, json!({"head_id": head.map(Client::id)})).ok();
}

fn grant(system: &str) -> Value {
    json!({"beneficiary": "Luz Elena Toro", "system": system, "profile": "Consulta", "ends_on": "2040-12-31"})
}

/// A ticket of this person, up to its acceptance by the demo technician.
fn accepted(desk: &Desk, requester: &Client, category: Option<&Value>) -> String {
    let technician = desk.technician();
    let body =
        json!({"subject": "Una cuenta", "description": "Para una contratista.", "category_id": category});
    let one = format!("/tickets/{}", requester.post("/tickets", body).created()["id"]);
    for (step, body) in [
        ("classification", json!({"criticality": "low"})),
        ("assignment", json!({"assignee_id": technician.id()})),
        ("acceptance", soon()),
    ] {
        technician.post(&format!("{one}/{step}"), body).ok();
    }
    one
}

fn solve(desk: &Desk, one: &str, grants: Value) -> Answer {
    let mut body = json!({"description": "Se creó la cuenta."});
    if !grants.is_null() {
        body["access_grants"] = grants;
    }
    desk.technician().post(&format!("{one}/solution"), body)
}

fn systems(client: &Client, query: &str) -> Vec<String> {
    let items = client.get(&format!("/audit/access-grants?sort=granted_at{query}")).items();
    items.iter().map(|item| item["system"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn granted_access_is_listed_with_whether_the_head_requested_it() {
    let desk = Desk::open();
    let (head, technician) = (desk.requester(), desk.technician());
    let category = accounts(&desk);
    name_head(&desk, Some(&head));
    let by_head = accepted(&desk, &head, Some(&category));
    assert_eq!(solve(&desk, &by_head, Value::Null).faults(), [("/access_grants".into(), "required".into())]);
    let past =
        json!([grant("SAP"), {"beneficiary": "x", "system": "y", "profile": "z", "ends_on": "2020-01-01"}]);
    assert_eq!(
        solve(&desk, &by_head, past).faults(),
        [("/access_grants/1/ends_on".into(), "out_of_range".into())]
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM access_grants"), 0);
    solve(&desk, &by_head, json!([grant("Impuestos"), grant("Correo")])).ok();
    // Other tickets may record what they granted.
    let other = desk.another(Role::Requester);
    let by_other = accepted(&desk, &other, None);
    solve(&desk, &by_other, json!([grant("Nómina")])).ok();
    // An empty list says that nothing was granted.
    let nothing = accepted(&desk, &head, Some(&category));
    solve(&desk, &nothing, json!([])).ok();

    assert_eq!(systems(&technician, ""), ["Impuestos", "Correo", "Nómina"]);
    assert_eq!(systems(&technician, "&requested_by_head=true"), ["Impuestos", "Correo"]);
    assert_eq!(systems(&technician, "&requested_by_head=false"), ["Nómina"]);
    assert_eq!(systems(&technician, "&finding=not_head&finding=no_longer_head"), ["Nómina"]);
    let first = technician.get("/audit/access-grants?sort=granted_at&limit=1").items()[0].clone();
    assert_eq!(
        [
            &first["beneficiary"],
            &first["profile"],
            &first["ends_on"],
            &first["requested_by_head"],
            &first["findings"]
        ],
        [&json!("Luz Elena Toro"), &json!("Consulta"), &json!("2040-12-31"), &json!(true), &json!([])]
    );
    assert_eq!(
        [
            &first["requester"]["id"],
            &first["head_now"]["id"],
            &first["granted_by"]["id"],
            &first["unit"]["id"]
        ],
        [&json!(head.id()), &json!(head.id()), &json!(technician.id()), &json!(desk.unit_id())]
    );

    // Who is the head now does not change who was at the reception.
    name_head(&desk, Some(&other));
    assert_eq!(systems(&technician, "&finding=no_longer_head"), ["Impuestos", "Correo"]);
    assert_eq!(systems(&technician, "&finding=not_head"), ["Nómina"]);
    assert_eq!(systems(&technician, "&finding=not_head&finding=no_longer_head").len(), 3);
    let listed = technician.get("/audit/access-grants?sort=granted_at").items();
    let findings: Vec<&Value> = listed.iter().map(|grant| &grant["findings"]).collect();
    assert_eq!(findings, [&json!(["no_longer_head"]), &json!(["no_longer_head"]), &json!(["not_head"])]);
    name_head(&desk, None);
    assert_eq!(systems(&technician, "&finding=no_longer_head"), ["Impuestos", "Correo"]);

    let number = by_other.rsplit('/').next().unwrap();
    assert_eq!(systems(&technician, &format!("&ticket_id={number}")), ["Nómina"]);
    assert_eq!(systems(&technician, &format!("&requester_id={}", head.id())), ["Impuestos", "Correo"]);
    assert_eq!(systems(&technician, &format!("&unit_id={}", desk.unit_id())).len(), 3);
    assert_eq!(systems(&technician, "&granted_before=2020-01-01T00:00:00Z").len(), 0);
    assert_eq!(systems(&technician, "&granted_from=2020-01-01T00:00:00Z").len(), 3);
    let page = technician.get("/audit/access-grants?limit=2&with_total=true").ok();
    assert_eq!((&page["total"], page["items"].as_array().unwrap().len()), (&json!(3), 2));
    let next = format!("/audit/access-grants?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(technician.get(&next).items()[0]["system"], "Impuestos");
    head.get("/audit/access-grants").problem(403, "forbidden");
    technician.get("/audit/profiles?from_date=2026-01-01&through_date=2026-12-31").ok();
}

#[test]
fn granted_access_is_revoked_once_and_never_changed() {
    let desk = Desk::open();
    let one = format!("/audit/access-grants/{}", access_grant(&desk));
    let revocation = format!("{one}/revocation");
    desk.technician().post(&revocation, json!({})).problem(403, "forbidden");
    let read = desk.technician().get(&one);
    assert_eq!((&read.ok()["revoked_at"], read.version()), (&json!(null), "1"));
    let professional = desk.professional();
    let revoked = professional.post(&revocation, json!({})).ok();
    assert!(revoked["revoked_at"].is_string());
    assert_eq!(revoked["revoked_by"]["id"], professional.id());
    professional.post(&revocation, json!({})).problem(409, "wrong_state");
    assert_eq!(systems(&desk.technician(), "&revoked=false").len(), 0);
    assert_eq!(systems(&desk.technician(), "&revoked=true").len(), 1);
    for change in [
        "UPDATE access_grants SET profile = 'Administrador'",
        "UPDATE access_grants SET revoked_at = NULL, revoked_by = NULL",
        "UPDATE access_grants SET requested_by_head = true",
        "DELETE FROM access_grants",
        "TRUNCATE access_grants",
    ] {
        assert!(diesel::sql_query(change).execute(&mut desk.database.connect()).is_err(), "{change}");
    }
    let logged = desk.director().get("/audit/log?resource=access_grant").items();
    assert_eq!(logged.len(), 2);
    assert!(!logged.iter().any(|event| event.to_string().contains("Luz Elena")), "{logged:?}");
}

#[test]
fn a_child_whose_category_records_access_is_not_solved_with_its_parent() {
    let desk = Desk::open();
    let category = accounts(&desk);
    name_head(&desk, Some(&desk.requester()));
    let (parent, child) =
        (desk.ticket_in("in_progress"), accepted(&desk, &desk.requester(), Some(&category)));
    let child: i64 = child.rsplit('/').next().unwrap().parse().unwrap();
    let relation = json!({"kind": "parent_of", "ticket_id": child});
    desk.technician().post(&format!("{parent}/relations"), relation).created();
    let body = json!({"description": "Listo.", "solve_children": true});
    let solved = desk.technician().post(&format!("{parent}/solution"), body).ok();
    assert_eq!((&solved["solved_child_ids"], &solved["open_child_ids"]), (&json!([]), &json!([child])));
}

#[test]
fn the_name_of_an_anonymized_beneficiary_is_removed() {
    let desk = Desk::open();
    let person = desk.another(Role::Requester);
    let name = "Zoraida Quiñones Maturana";
    desk.director().patch(&format!("/users/{}", person.id()), json!({"full_name": name})).ok();
    let one = accepted(&desk, &person, None);
    let of_her = json!({"beneficiary": name, "system": "Correo", "profile": "Usuario"});
    solve(&desk, &one, json!([of_her, grant("Nómina")])).ok();
    desk.technician().post(&format!("{one}/closure"), json!({})).ok();
    let anonymization = format!("/users/{}/anonymization", person.id());
    desk.director().post(&anonymization, json!({"reason": "Ley 1581 de 2012"})).ok();
    assert_eq!(
        desk.database.count("SELECT count(*) FROM access_grants WHERE beneficiary LIKE '%Zoraida%'"),
        0
    );
    assert_eq!(systems(&desk.technician(), ""), ["Correo", "Nómina"]);
}
