//! Users, units, categories, attention times.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::Desk;

fn user(email: &str, role: &str) -> Value {
    json!({"email": email, "password": "una-clave-larga", "role": role, "full_name": "Ana Restrepo"})
}

#[test]
fn an_email_address_is_unique_regardless_of_case() {
    let desk = Desk::open();
    let director = desk.director();
    let answer = director.post("/users", user("Ana@mesa.test", "requester"));
    let made = answer.created();
    assert_eq!(answer.header("location"), format!("/api/v1/users/{}", made["id"].as_str().unwrap()));
    assert!(!answer.text().contains("password"));
    let again = director.post("/users", user("ana@MESA.test", "requester")).problem(409, "already_exists");
    assert_eq!(again["errors"][0]["pointer"], "/email");
    let other = desk.another(Role::Requester);
    director
        .patch(&format!("/users/{}", other.id()), json!({"email": "ANA@mesa.test"}))
        .problem(409, "already_exists");
}

#[test]
fn no_one_manages_a_role_above_their_own() {
    let desk = Desk::open();
    let professional = desk.professional();
    professional.post("/users", user("a@mesa.test", "director")).problem(403, "forbidden");
    professional.post("/users", user("b@mesa.test", "professional")).created();
    let technician = format!("/users/{}", desk.technician().id());
    professional.patch(&technician, json!({"role": "director"})).problem(403, "forbidden");
    professional.patch(&technician, json!({"role": "professional"})).ok();
    let director = format!("/users/{}", desk.director().id());
    professional.patch(&director, json!({"full_name": "Otro"})).problem(403, "forbidden");
    // A user who can read the mail of an account can set its password.
    for peer in
        [desk.another(Role::Professional), desk.another(Role::Technician), desk.another(Role::Requester)]
    {
        let path = format!("/users/{}", peer.id());
        professional.patch(&path, json!({"email": "otra@mesa.test"})).problem(403, "forbidden");
    }
}

#[test]
fn the_last_director_cannot_be_removed() {
    let desk = Desk::open();
    let director = desk.director();
    let path = format!("/users/{}", director.id());
    director.patch(&path, json!({"active": false})).problem(409, "last_director");
    director.patch(&path, json!({"role": "professional"})).problem(409, "last_director");
    let second = desk.another(Role::Director);
    director.patch(&path, json!({"role": "professional"})).ok();
    director.get("/audit/verification").ok();
    second.patch(&format!("/users/{}", second.id()), json!({"active": false})).problem(409, "last_director");
}

#[test]
fn a_password_has_a_minimum_length() {
    let desk = Desk::open();
    let mut short = user("a@mesa.test", "requester");
    short["password"] = json!("corta");
    assert_eq!(desk.director().post("/users", short).faults(), [("/password".into(), "too_short".into())]);
}

#[test]
fn a_unit_has_a_head_and_a_unique_name() {
    let desk = Desk::open();
    let director = desk.director();
    let head = desk.another(Role::Requester);
    let unit =
        director.post("/units", json!({"name": "Secretaría de Salud", "head_id": head.id()})).created();
    assert_eq!(unit["head"]["id"], head.id());
    director.post("/units", json!({"name": "SECRETARÍA DE SALUD"})).problem(409, "already_exists");
    let path = format!("/units/{}", unit["id"].as_str().unwrap());
    assert_eq!(director.patch(&path, json!({"head_id": null, "active": false})).ok()["head"], Value::Null);
    let names: Vec<Value> =
        director.get("/units?active=true").items().iter().map(|unit| unit["name"].clone()).collect();
    assert_eq!(names, ["Secretaría de Hacienda"]);
    assert_eq!(director.get("/units?q=salud").items().len(), 1);
}

#[test]
fn an_inactive_category_cannot_be_used() {
    let desk = Desk::open();
    let director = desk.director();
    let category =
        director.post("/categories", json!({"name": "Correo", "description": "Buzones."})).created();
    assert_eq!(category["required_profile"], "any");
    let path = format!("/categories/{}", category["id"].as_str().unwrap());
    director.patch(&path, json!({"active": false})).ok();
    let ticket = json!({"subject": "Sin correo", "description": "No llega.", "category_id": category["id"]});
    assert_eq!(
        desk.requester().post("/tickets", ticket).faults(),
        [("/category_id".into(), "not_found".into())]
    );
}

#[test]
fn attention_times_follow_the_procedure_and_can_be_changed() {
    let desk = Desk::open();
    let minutes = |value: &Value| value["within_minutes"].as_i64().unwrap();
    let items = desk.requester().get("/attention-times").items();
    assert_eq!(items.iter().map(minutes).collect::<Vec<_>>(), [60, 120, 300, 1080]);
    desk.director().patch("/attention-times/high", json!({"within_minutes": 90})).ok();
    let one = desk.requester().register("Sin red");
    let ticket = desk
        .technician()
        .post(&format!("/tickets/{}/classification", one["id"]), json!({"criticality": "high"}))
        .ok();
    let moment =
        |field: &str| ticket[field].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((moment("attention_due_at") - moment("received_at")).num_minutes(), 90);
}

#[test]
fn an_update_without_changes_creates_no_version() {
    let desk = Desk::open();
    let director = desk.director();
    let (calendar, unit) = (director.get("/calendars").items(), director.get("/units").items());
    let (category, question) =
        (director.get("/categories").items(), director.get("/survey-questions").items());
    let id = |items: &[Value]| items[0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/me".to_owned(),
        format!("/users/{}", desk.technician().id()),
        format!("/units/{}", id(&unit)),
        format!("/categories/{}", id(&category)),
        format!("/calendars/{}", id(&calendar)),
        format!("/survey-questions/{}", id(&question)),
        "/attention-times/low".to_owned(),
    ] {
        let before = director.get(&path).ok();
        assert_eq!(director.patch(&path, json!({})).ok(), before, "{path}");
        let (etag, again) = (director.get(&path), director.patch(&path, json!({})));
        assert_eq!(etag.header("etag"), again.header("etag"), "{path}");
    }
}
