//! The list of the absences of all people.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

#[test]
fn absences_of_all_people_are_filtered_by_person_kind_and_period() {
    let desk = Desk::open();
    let director = desk.director();
    let (ana, blas) = (desk.another(Role::Technician), desk.another(Role::Technician));
    let record = |person: &Client, kind: &str, from: &str, to: &str| -> Value {
        let body = json!({"kind": kind, "starts_at": format!("{from}T13:00:00Z"), "ends_at": format!("{to}T13:00:00Z")});
        director.post(&format!("/users/{}/absences", person.id()), body).created()["id"].clone()
    };
    let course = record(&ana, "course", "2030-01-07", "2030-01-09");
    let holiday = record(&blas, "holiday", "2030-01-08", "2030-01-20");
    let later = record(&ana, "holiday", "2030-02-01", "2030-02-10");
    let listed = |query: &str| -> Vec<Value> {
        let items = desk.technician().get(&format!("/absences?{query}")).items();
        items.iter().map(|absence| absence["id"].clone()).collect()
    };
    let all = [course.clone(), holiday.clone(), later.clone()];
    assert_eq!(listed(""), all);
    assert_eq!(listed("sort=-starts_at"), [later.clone(), holiday.clone(), course.clone()]);
    assert_eq!(listed(&format!("user_id={}", ana.id())), [course.clone(), later.clone()]);
    assert_eq!(listed(&format!("user_id={}&user_id={}", ana.id(), blas.id())), all);
    assert_eq!(listed("kind=holiday"), [holiday.clone(), later.clone()]);
    assert_eq!(listed("kind=holiday&kind=course"), all);
    // A period includes what has begun before it and ends in it or later.
    let period = "ends_from=2030-01-09T13:00:00Z&starts_before=2030-02-01T13:00:00Z";
    assert_eq!(listed(period), [course.clone(), holiday.clone()]);
    assert_eq!(listed("ends_from=2030-01-09T13:00:01Z&starts_before=2030-02-01T13:00:01Z"), [holiday, later]);
    assert_eq!(desk.technician().get("/absences?with_total=true&limit=1").ok()["total"], 3);

    let one = director.get(&format!("/users/{}/absences", ana.id())).items();
    assert_eq!(one.len(), 2);
    desk.requester().get("/absences").problem(403, "forbidden");
    director.get("/absences?ends_after=2030-01-09T13:00:00Z").problem(400, "invalid_query");
}
