//! Followups, and that private ones are not visible to the requester.

use serde_json::{Value, json};

use crate::harness::Desk;

#[test]
fn a_private_entry_leaves_no_trace_for_the_requester() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("in_progress");
    let public = json!({"visibility": "public", "body": "Vamos en camino."});
    technician.post(&format!("{one}/followups"), public).created();
    let lists = [
        "/tickets".to_owned(),
        "/tickets?q=switch&with_total=true".to_owned(),
        "/tickets?sort=-updated_at".to_owned(),
        "/tickets/counts?by=status,assignee&q=switch".to_owned(),
        one.clone(),
        format!("{one}/followups?with_total=true"),
        format!("{one}/timeline"),
        format!("{one}/attachments?with_total=true"),
        format!("{one}/suggestions"),
    ];
    let seen = || -> Vec<(String, String)> {
        lists
            .iter()
            .map(|path| requester.get(path))
            .map(|answer| (answer.text(), answer.header("etag").to_owned()))
            .collect()
    };
    let before = seen();
    let entry = json!({"visibility": "private", "body": "El puerto 12 del switch está caído."});
    let entry = technician.post(&format!("{one}/followups"), entry).created();
    let path = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
    let file = technician.upload(&format!("{path}/attachments"), "switch.txt", "puerto 12").created();
    assert_eq!(seen(), before);
    assert!(before.iter().all(|(_, etag)| !etag.is_empty()));
    requester.get(&path).problem(404, "not_found");
    requester.get(&format!("{path}/attachments")).problem(404, "not_found");
    requester.upload(&format!("{path}/attachments"), "a.txt", "a").problem(404, "not_found");
    let file = format!("/attachments/{}", file["id"].as_str().unwrap());
    requester.get(&file).problem(404, "not_found");
    requester.get(&format!("{file}/content")).problem(404, "not_found");
    requester.get(&format!("{one}/events")).problem(403, "forbidden");
    let queued = "SELECT count(*) FROM messages WHERE data->>'followup_id' = ";
    assert_eq!(desk.database.count(&format!("{queued}'{}'", entry["id"].as_str().unwrap())), 0);
    requester
        .post(&format!("{one}/followups"), json!({"visibility": "private", "body": "x"}))
        .problem(403, "forbidden");
    // Staff see both, and the followup of the acceptance.
    assert_eq!(technician.get(&format!("{one}/followups")).items().len(), 3);
    assert_eq!(technician.get(&format!("{one}/followups?visibility=private")).items().len(), 1);
}

#[test]
fn a_private_entry_can_be_published_with_its_files_but_not_withdrawn() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("in_progress");
    let entry = technician
        .post(&format!("{one}/followups"), json!({"visibility": "private", "body": "Es el switch."}))
        .created();
    let path = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
    technician.upload(&format!("{path}/attachments"), "foto.txt", "puerto").created();
    let public = desk.professional().post(&format!("{path}/publication"), json!({})).created();
    assert_eq!((&public["visibility"], &public["source_followup_id"]), (&json!("public"), &entry["id"]));
    assert_eq!(public["author"]["id"], technician.id());
    let seen = requester.get(&format!("{one}/followups")).items();
    let seen = seen.iter().find(|seen| seen["id"] == public["id"]).unwrap();
    assert_eq!((&seen["body"], seen.get("source_followup_id")), (&json!("Es el switch."), None));
    let files = requester.get(&format!("{one}/attachments")).items();
    assert_eq!(files.len(), 1);
    assert!(
        requester
            .get(&format!("/attachments/{}/content", files[0]["id"].as_str().unwrap()))
            .text()
            .contains("puerto")
    );
    technician.post(&format!("{path}/publication"), json!({})).problem(409, "already_exists");
    let public = format!("{one}/followups/{}", public["id"].as_str().unwrap());
    technician.post(&format!("{public}/publication"), json!({})).problem(409, "already_exists");
    technician.patch(&public, json!({"visibility": "private"})).problem(405, "method_not_allowed");
}

#[test]
fn a_public_entry_is_mailed_to_the_other_side() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let told = || -> Vec<Value> {
        let count = |role: &str| {
            desk.database.count(&format!(
                "SELECT count(*) FROM messages m JOIN users u ON u.id = m.recipient_id \
                 WHERE m.kind = 'followup' AND u.role = '{role}'"
            ))
        };
        vec![json!(count("requester")), json!(count("technician"))]
    };
    let body = json!({"visibility": "public", "body": "Vamos."});
    desk.professional().post(&format!("{one}/followups"), body.clone()).created();
    assert_eq!(told(), [1, 0]);
    desk.requester().post(&format!("{one}/followups"), body).created();
    assert_eq!(told(), [1, 1]);
}
