//! Names that look the same are the same, and a text that shows nothing is none.

use mesa::auth::policy::Role;
use serde_json::json;

use crate::harness::Desk;

/// All of them look like `Prueba Uno`.
const LOOKALIKES: [&str; 8] = [
    "Prueba Uno ",
    " Prueba Uno",
    "Prueba  Uno",
    "Prueba\tUno",
    "Prueba\u{a0}Uno",
    "Prueba\u{200b} Uno",
    "\u{feff}Prueba Uno\u{2060}",
    "PRUEBA\u{3000}UNO",
];

#[test]
fn names_that_look_the_same_are_the_same() {
    let desk = Desk::open();
    let director = desk.director();
    for (path, rest) in
        [("/units", json!({})), ("/categories", json!({})), ("/calendars", json!({"opening_hours": "24/7"}))]
    {
        let body = |name: &str| {
            let mut body = rest.clone();
            body["name"] = json!(name);
            body
        };
        director.post(path, body("Prueba Uno")).created();
        for name in LOOKALIKES {
            director.post(path, body(name)).problem(409, "already_exists");
        }
        let other = director.post(path, body(" Otra\u{a0}\u{a0}prueba\u{200b}")).created();
        assert_eq!(other["name"], "Otra prueba", "{path}");
        let one = format!("{path}/{}", other["id"].as_str().unwrap());
        for name in LOOKALIKES {
            director.patch(&one, json!({"name": name})).problem(409, "already_exists");
        }
        assert_eq!(director.patch(&one, json!({"name": "Otra  más "})).ok()["name"], "Otra más");
    }
}

#[test]
fn names_of_people_are_stored_clean() {
    let desk = Desk::open();
    let director = desk.director();
    let person = desk.another(Role::Requester);
    let one = format!("/users/{}", person.id());
    for (place, name) in LOOKALIKES[..7].iter().enumerate() {
        let changed = director.patch(&one, json!({"full_name": name})).ok();
        assert_eq!(changed["full_name"], "Prueba Uno", "{name:?}");
        let body = json!({"email": format!("uno{place}@mesa.test"), "role": "requester", "full_name": name});
        assert_eq!(director.post("/users", body).created()["full_name"], "Prueba Uno", "{name:?}");
        let mut ticket = json!({"subject": "Sin red", "description": "No hay."});
        ticket["requester"] = json!({"full_name": name});
        let ticket = desk.requester().post("/tickets", ticket).created();
        assert_eq!(ticket["requester"]["full_name"], "Prueba Uno", "{name:?}");
        let corrected = json!({"requester": {"full_name": format!("Otra  Persona{name}")}});
        let path = format!("/tickets/{}", ticket["id"]);
        let corrected = desk.technician().patch(&path, corrected).ok();
        assert_eq!(
            corrected["requester"]["full_name"],
            desk.director().get(&path).ok()["requester"]["full_name"]
        );
    }
    assert_eq!(director.get("/users?q=prueba%20uno&with_total=true").ok()["total"], 8);
}

#[test]
fn a_text_needs_a_visible_character() {
    let desk = Desk::open();
    let requester = desk.requester();
    for nothing in
        [" ", "\u{200b}", "\u{a0}\t", "\u{2060}\u{feff}", "\u{ad}", "\u{2800}", "\u{1}", "\u{200e}\u{200f}"]
    {
        let refused = requester.post("/tickets", json!({"subject": nothing, "description": "x"}));
        assert_eq!(refused.faults()[0].0, "/subject", "{nothing:?}");
        let refused = desk.director().post("/units", json!({"name": nothing}));
        assert_eq!(refused.faults()[0].0, "/name", "{nothing:?}");
    }
    for something in ["x", "\u{200b}x", "¿", "👍", "日"] {
        requester.post("/tickets", json!({"subject": something, "description": "x"})).created();
    }
}
