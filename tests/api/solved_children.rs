//! Solving a ticket together with its children: only children of the caller are solved. The assignees of the others
//! are notified.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::ticket_of;
use crate::harness::{Client, Desk};

fn number(one: &str) -> i64 {
    one.rsplit('/').next().unwrap().parse().unwrap()
}

fn last_event(desk: &Desk, one: &str) -> Value {
    desk.director().get(&format!("{one}/events?limit=200")).items().pop().unwrap()
}

fn make_child(technician: &Client, parent: &str, child: &str) {
    let relation = json!({"kind": "parent_of", "ticket_id": number(child)});
    technician.post(&format!("{parent}/relations"), relation).created();
}

#[test]
fn the_assignee_of_another_child_is_only_offered_the_solution() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (technician, colleague) = (desk.technician(), desk.another(Role::Technician));
    let parent = desk.ticket_in("in_progress");
    let mine = desk.ticket_in("in_progress");
    let requester = desk.another(Role::Requester);
    let theirs = ticket_of(&desk, &requester, &colleague, "in_progress");
    let held = ticket_of(&desk, &requester, &colleague, "on_hold");
    let nobodys = desk.ticket_in("classified");
    for child in [&mine, &theirs, &held, &nobodys] {
        make_child(&technician, &parent, child);
    }
    let before: Vec<Value> = [&theirs, &held].iter().map(|one| desk.director().get(one).ok()).collect();
    let etag = requester.get(&theirs).header("etag").to_owned();

    let body = json!({"description": "Se reinició el switch.", "solve_children": true});
    let solved = technician.post(&format!("{parent}/solution"), body).ok();
    assert_eq!(solved["solved_child_ids"], json!([number(&mine)]));
    assert_eq!(solved["offered_child_ids"], json!([number(&theirs), number(&held)]));
    assert_eq!(solved["open_child_ids"], json!([number(&theirs), number(&held), number(&nobodys)]));
    let after: Vec<Value> = [&theirs, &held].iter().map(|one| desk.director().get(one).ok()).collect();
    assert_eq!(after, before);
    assert_eq!(requester.get(&theirs).header("etag"), etag);
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys"), 2);

    let event = last_event(&desk, &parent);
    assert_eq!(
        (&event["details"]["solved_child_ids"], &event["details"]["offered_child_ids"]),
        (&solved["solved_child_ids"], &solved["offered_child_ids"])
    );
    // The requester of the parent does not see the numbers of other people's tickets.
    let timeline = desk.requester().get(&format!("{parent}/timeline")).text();
    assert!(!timeline.contains("offered_child_ids"), "{timeline}");

    let messages = desk.director().get("/messages?kind=parent_solved").items();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message["recipient"]["id"] == colleague.id()));
    let message = desk.director().get(&format!("/messages/{}", messages[0]["id"].as_str().unwrap())).ok();
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("> Se reinició el switch."), "{text}");
    assert!(text.contains(&format!("#{}", number(&parent))), "{text}");
    desk.send_mail();
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE status <> 'sent'"), 0);

    // The assignee records the same solution.
    colleague.post(&format!("{theirs}/solution"), json!({"description": "Se reinició el switch."})).ok();
}

#[test]
fn without_solve_children_no_one_is_notified() {
    let desk = Desk::open();
    let (technician, colleague) = (desk.technician(), desk.another(Role::Technician));
    let parent = desk.ticket_in("in_progress");
    let theirs = ticket_of(&desk, &desk.requester(), &colleague, "in_progress");
    make_child(&technician, &parent, &theirs);
    let solved = technician.post(&format!("{parent}/solution"), json!({"description": "Listo."})).ok();
    assert_eq!(solved["offered_child_ids"], json!([]));
    assert_eq!(solved["open_child_ids"], json!([number(&theirs)]));
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'parent_solved'"), 0);
}
