//! `ETag` and `If-Match`: a tag names one version of one resource.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::states::minutes;

#[test]
fn the_tag_of_another_ticket_matches_nothing() {
    let desk = Desk::open();
    let technician = desk.technician();
    let (one, other) = (desk.ticket_in("received"), desk.ticket_in("received"));
    let tags = [&one, &other].map(|path| technician.get(path).header("etag").to_owned());
    // Both tickets are at their first version.
    let classify = |tag: &str| {
        let criticality = json!({"criticality": "high"});
        technician.with("if-match", tag).post(&format!("{one}/classification"), criticality)
    };
    classify(&tags[1]).problem(412, "precondition_failed");
    classify(&format!("W/{}", tags[0])).problem(412, "precondition_failed");
    classify(&format!("{}, {}", tags[1], tags[0])).ok();
    classify(&tags[0]).problem(412, "precondition_failed");
}

#[test]
fn the_tag_of_a_list_item_is_accepted_by_a_step() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("received");
    let listed = technician.get("/tickets").items()[0]["etag"].as_str().unwrap().to_owned();
    let criticality = json!({"criticality": "high"});
    let classify = || {
        technician
            .with("if-match", listed.as_str())
            .post(&format!("{one}/classification"), criticality.clone())
    };
    classify().ok();
    classify().problem(412, "precondition_failed");
}

#[test]
fn the_tag_of_a_part_is_not_the_tag_of_the_whole() {
    let desk = Desk::open();
    let director = desk.director();
    let tag = |path: &str| director.get(path).header("etag").to_owned();
    let written = json!({
        "title": "Impresora atascada", "incident": "No imprime.", "resolution": "Se cambió el rodillo.",
        "status": "published", "visibility": "public", "no_steps": true,
    });
    let article = director.post("/kb/articles", written).created();
    let article = format!("/kb/articles/{}", article["id"].as_str().unwrap());
    // A state is not cleared.
    let cleared = director.patch(&article, json!({"status": null}));
    assert_eq!(cleared.faults()[0].0, "/status");
    let revision = tag(&format!("{article}/revisions/1"));
    let title = json!({"title": "Otro título"});
    director.with("if-match", revision).patch(&article, title).problem(412, "precondition_failed");
    let account = format!("/users/{}", director.id());
    for (own, other) in [("/me".to_owned(), &account), (format!("{account}/shifts"), &account)] {
        assert_ne!(tag(&own).split('-').nth(1), tag(other).split('-').nth(1), "{own}");
    }
    let numbers = json!({"contact": {"mobile": "3001234567"}});
    director.with("if-match", tag(&account)).patch("/me", numbers).problem(412, "precondition_failed");
}

#[test]
fn a_signature_names_the_version_of_the_minutes() {
    let desk = Desk::open();
    let director = desk.director();
    let drafts = [(); 2].map(|()| {
        let made = director.post("/meeting-minutes", minutes(director.id())).created();
        format!("/meeting-minutes/{}", made["id"].as_str().unwrap())
    });
    let sign = format!("{}/signature", drafts[0]);
    // Also while something is missing.
    director.patch(&drafts[0], json!({"proceedings": null})).ok();
    director.post(&sign, json!({})).problem(428, "precondition_required");
    let refused = director.with("if-match", "*").post(&sign, json!({})).problem(409, "incomplete");
    assert_eq!(refused["errors"][0]["in"], "resource");
    director.patch(&drafts[0], json!({"proceedings": "Se habló."})).ok();
    let others = director.get(&drafts[1]).header("etag").to_owned();
    director.with("if-match", others).post(&sign, json!({})).problem(412, "precondition_failed");
    let own = director.get(&drafts[0]).header("etag").to_owned();
    director.with("if-match", own).post(&sign, json!({})).ok();
}

#[test]
fn the_approval_of_a_measurement_names_its_version() {
    let desk = Desk::open();
    let director = desk.director();
    let indicator = director.get("/indicators").items()[0]["id"].as_str().unwrap().to_owned();
    let made = director
        .post(&format!("/indicators/{indicator}/measurements"), json!({"year": 2025, "quarter": 1}))
        .created();
    let path = format!("/measurements/{}", made["id"].as_str().unwrap());
    director.patch(&path, json!({"analysis": "No hubo solicitudes."})).ok();
    director.post(&format!("{path}/approval"), json!({})).problem(428, "precondition_required");
}

#[test]
fn an_approval_can_name_the_figures_that_were_read() {
    let desk = Desk::open();
    desk.database.five_quarters(100);
    let director = desk.director();
    let tag = |path: &str| director.get(path).header("etag").to_owned();
    let (report, approval) = ("/reports/quarterly/2025/3", "/reports/quarterly/2025/3/approval");
    let approve = |tag: &str| director.with("if-match", tag).post(approval, json!({}));
    approve(&tag("/reports/quarterly/2025/2")).problem(412, "precondition_failed");
    let read = tag(report);
    desk.database
        .run("UPDATE tickets SET channel = 'phone' WHERE received_at BETWEEN '2025-07-02' AND '2025-08-30'");
    approve(&read).problem(412, "precondition_failed");
    // Every format has the figures.
    let html = tag(&format!("{report}?format=html"));
    let retried = director.with("if-match", html).with("idempotency-key", "k-1");
    retried.post(approval, json!({})).created();
    let again = retried.post(approval, json!({}));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    approve(&read).problem(412, "precondition_failed");
    approve(&tag(report)).ok();
}

#[test]
fn an_anonymization_can_name_the_version_of_the_account() {
    let desk = Desk::open();
    let director = desk.director();
    let person = desk.another(Role::Requester);
    let account = format!("/users/{}", person.id());
    let read = director.get(&account).header("etag").to_owned();
    director.patch(&account, json!({"full_name": "Otro Nombre"})).ok();
    let anonymize = |tag: &str| {
        let reason = json!({"reason": "Ley 1581 de 2012"});
        director.with("if-match", tag).post(&format!("{account}/anonymization"), reason)
    };
    anonymize(&read).problem(412, "precondition_failed");
    anonymize(director.get(&account).header("etag")).ok();
}

#[test]
fn a_repeated_answer_says_so() {
    let desk = Desk::open();
    let requester = desk.requester().with("idempotency-key", "k-1");
    let new: Value = json!({"subject": "Sin red", "description": "Desde esta mañana no hay red."});
    let (first, again) = (requester.post("/tickets", new.clone()), requester.post("/tickets", new.clone()));
    assert_eq!(
        (first.created()["id"].clone(), first.header("idempotency-replayed")),
        (again.created()["id"].clone(), "")
    );
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(desk.requester().post("/tickets", new).header("idempotency-replayed"), "");
}
