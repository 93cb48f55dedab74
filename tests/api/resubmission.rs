//! Archived requests: the reason, what the requester can do, and resubmission.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Desk, moment};
use crate::information::{events, kinds, told, waiting};

/// Resubmits an archived ticket as this client.
fn again(client: &Client, archived: &str, body: Value) -> Answer {
    client.post(&format!("{archived}/resubmission"), body)
}

#[test]
fn an_archived_request_is_resubmitted_as_a_new_ticket() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let archived = desk.ticket_in("archived");
    let old = requester.get(&archived);
    requester.patch("/me", json!({"contact": {"mobile": "3110000000"}})).ok();
    let answer = again(&requester, &archived, json!({"description": "Es la de placa 10432."}));
    let ticket = answer.created();
    let new = format!("/tickets/{}", ticket["id"]);
    assert_eq!(answer.header("location"), format!("/api/v1{new}"));
    assert_eq!((&ticket["status"], &ticket["criticality"]), (&json!("received"), &json!(null)));
    assert_eq!(ticket["resubmission_of_id"], old.ok()["id"]);
    assert_eq!(
        (&ticket["subject"], &ticket["description"]),
        (&old.ok()["subject"], &json!("Es la de placa 10432."))
    );
    assert!(moment(&ticket["received_at"]) > moment(&old.ok()["archive"]["archived_at"]));
    assert_eq!(ticket["requester"]["contact"]["mobile"], "3110000000");
    assert_eq!(requester.get(&new).ok(), ticket);

    let seen = requester.get(&archived);
    assert_eq!(
        (&seen.ok()["status"], &seen.ok()["archive"]["resubmitted_as_id"]),
        (&json!("archived"), &ticket["id"])
    );
    assert_ne!(seen.header("etag"), old.header("etag"));
    let event = events(&desk, &archived).pop().unwrap();
    assert_eq!(
        (&event["kind"], &event["details"]),
        (&json!("resubmitted"), &json!({"resubmitted_as_id": ticket["id"]}))
    );
    let first = events(&desk, &new).pop().unwrap();
    assert_eq!(
        (&first["kind"], &first["details"]),
        (&json!("received"), &json!({"channel": "api", "resubmission_of_id": old.ok()["id"]}))
    );
    assert_eq!(told(&desk, "received", &requester), 2);
    // A ticket can be resubmitted only once.
    let refused = again(&technician, &archived, json!({})).problem(409, "already_exists");
    assert_eq!(refused["resubmitted_as_id"], ticket["id"]);
    // A resubmission can itself be resubmitted.
    requester.post(&format!("{new}/archive"), json!({"reason": "withdrawn"})).ok();
    let third = again(&technician, &new, json!({"channel": "phone"})).created();
    assert_eq!((&third["resubmission_of_id"], &third["channel"]), (&ticket["id"], &json!("phone")));
    assert_eq!(third["requester"]["id"], requester.id());
    assert_eq!(third["registered_by"]["id"], technician.id());
    desk.director().get("/audit/verification").ok();
}

#[test]
fn files_visible_to_the_requester_are_copied() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let archived = desk.ticket_in("in_progress");
    requester.upload(&format!("{archived}/attachments"), "foto.txt", "atasco").created();
    for (visibility, file) in [("public", "guía.txt"), ("private", "switch.txt")] {
        let entry = json!({"visibility": visibility, "body": "Vea el archivo."});
        let entry = technician.post(&format!("{archived}/followups"), entry).created();
        let files = format!("{archived}/followups/{}/attachments", entry["id"].as_str().unwrap());
        technician.upload(&files, file, visibility).created();
    }
    technician
        .post(&format!("{archived}/archive"), json!({"reason": "missing_information", "note": "La placa."}))
        .ok();
    let new = format!("/tickets/{}", again(&requester, &archived, json!({})).created()["id"]);
    for client in [&requester, &technician] {
        let files = client.get(&format!("{new}/attachments")).items();
        let names: Vec<&str> = files.iter().map(|file| file["file_name"].as_str().unwrap()).collect();
        assert_eq!(names, ["foto.txt", "guía.txt"]);
        let content = client.get(&format!("/attachments/{}/content", files[0]["id"].as_str().unwrap()));
        assert_eq!(content.text(), "atasco");
    }
    assert_eq!(technician.get(&format!("{archived}/attachments")).items().len(), 3);
    assert_eq!(desk.database.count("SELECT count(DISTINCT storage_key) FROM attachments"), 3);
}

#[test]
fn the_rules_of_registration_apply_to_a_resubmission() {
    let desk = Desk::open();
    let (requester, director) = (desk.requester(), desk.director());
    let category = director.get("/categories?q=Cuentas").items()[0]["id"].clone();
    let body = json!({"subject": "Una cuenta", "description": "Para Juan.", "category_id": category});
    let first = requester.post("/tickets", body).created();
    // The requester is still not a head of unit.
    let second = again(&requester, &format!("/tickets/{}", first["id"]), json!({})).created();
    assert_eq!(
        (&second["status"], &second["archive"]["reason"]),
        (&json!("archived"), &json!("profile_not_authorized"))
    );
    assert_eq!(kinds(&events(&desk, &format!("/tickets/{}", second["id"]))), ["received", "archived"]);
    // The requester is now the head.
    let unit = format!("/units/{}", desk.unit_id());
    director.patch(&unit, json!({"head_id": requester.id()})).ok();
    let third = again(&requester, &format!("/tickets/{}", second["id"]), json!({})).created();
    assert_eq!((&third["status"], &third["category"]["id"]), (&json!("received"), &category));

    let archived = desk.ticket_in("archived");
    let refused = |body: Value| again(&requester, &archived, body).faults();
    assert_eq!(refused(json!({"subject": " "}))[0].0, "/subject");
    let no_contact = json!({"requester": {"contact": {"mobile": null}}});
    assert_eq!(refused(no_contact), [("/requester/contact".into(), "required".into())]);
    let nobody = json!("0197c0de-0000-7000-8000-000000000000");
    assert_eq!(refused(json!({"category_id": nobody})), [("/category_id".into(), "not_found".into())]);
    let elsewhere = json!({"requester": {"unit_id": nobody}});
    assert_eq!(refused(elsewhere), [("/requester/unit_id".into(), "not_found".into())]);
    // Data that the account lacks is taken from the archived ticket.
    desk.database.run(&format!(
        "UPDATE users SET document_id = NULL, unit_id = NULL, mobile = NULL, extension = NULL WHERE id = '{}'",
        requester.id()
    ));
    let other = desk.another(Role::Requester);
    again(&other, &archived, json!({})).problem(404, "not_found");
    let ticket = again(&requester, &archived, json!({})).created();
    assert_eq!(ticket["requester"], requester.get(&archived).ok()["requester"]);
    // An inactive requester cannot resubmit, and no one else can do it for them.
    let other_ticket = format!("/tickets/{}", other.register("Sin red")["id"]);
    other.post(&format!("{other_ticket}/archive"), json!({"reason": "withdrawn"})).ok();
    director.patch(&format!("/users/{}", other.id()), json!({"active": false})).ok();
    let left = again(&director, &other_ticket, json!({}));
    assert_eq!(left.faults(), [("/requester".into(), "not_found".into())]);
    assert_eq!(director.get(&other_ticket).ok()["archive"]["resubmitted_as_id"], json!(null));
}

#[test]
fn every_archived_ticket_states_the_reason_and_the_next_step() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let category = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let heads_alone = json!({"subject": "Una cuenta", "description": "Para Juan.", "category_id": category});
    requester.post("/tickets", heads_alone.clone()).created();
    for reason in ["missing_information", "duplicate", "withdrawn"] {
        let one = desk.ticket_in("received");
        technician.post(&format!("{one}/archive"), json!({"reason": reason, "note": "Le llamamos."})).ok();
    }
    let one = waiting(&desk, "assigned");
    requester.post(&format!("{one}/archive"), json!({"reason": "withdrawn"})).ok();
    let one = waiting(&desk, "assigned");
    desk.database
        .run("UPDATE tickets SET information_deadline = now() WHERE information_deadline IS NOT NULL");
    mesa::server::routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(requester.get(&one).ok()["status"], "archived");

    let archived = requester.get("/tickets?status=archived&sort=received_at").items();
    assert_eq!(archived.len(), 6);
    for listed in &archived {
        let ticket = &requester.get(&format!("/tickets/{}", listed["id"])).ok();
        let archive = &ticket["archive"];
        let words = |field: &str| archive[field].as_str().unwrap().to_owned();
        assert!(
            words("next_step").contains("presente") || words("next_step").contains("resénte"),
            "{archive}"
        );
        // The message has the same texts, and every message has the same fields.
        let told = format!(
            "SELECT count(*) FROM messages WHERE kind = 'archived' AND ticket_id = {} AND data->>'reason' = '{}' \
             AND data->>'why' = '{}' AND data->>'next_step' = '{}' AND data ? 'note'",
            ticket["id"],
            words("reason"),
            words("why"),
            words("next_step")
        );
        assert_eq!(desk.database.count(&told), 1, "{told}");
    }
    requester.patch("/me", json!({"locale": "en"})).ok();
    let archive = requester.post("/tickets", heads_alone).created()["archive"].clone();
    assert_eq!(archive["why"], "Only the head of the administrative unit may ask for this.");
}
