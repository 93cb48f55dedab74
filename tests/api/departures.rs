//! People who leave, lose their role or whose contract ends: their mail and their open work.

use mesa::auth::policy::Role;
use mesa::server::routine;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::{soon, ticket_at_level_2, ticket_of};
use crate::harness::{Client, Desk};
use crate::nights::told;
use crate::shifts::works_only;

fn pass(desk: &Desk) {
    routine::once(&mut desk.database.connect(), &desk.shared().config);
}

fn user(person: &Client) -> String {
    format!("/users/{}", person.id())
}

fn standing(ticket: &Value) -> [Value; 3] {
    ["status", "support_level", "assignee"].map(|field| ticket[field].clone())
}

#[test]
fn the_open_work_of_a_deactivated_person_returns_to_its_level() {
    let desk = Desk::open();
    let (director, leaver) = (desk.director(), desk.another(Role::Technician));
    let of = |state: &str| ticket_of(&desk, &desk.requester(), &leaver, state);
    let (assigned, in_progress, held, solved) =
        (of("assigned"), of("in_progress"), of("on_hold"), of("solved"));
    let asked = of("in_progress");
    leaver.post(&format!("{asked}/information-request"), json!({"missing": "¿Cuál es la placa?"})).ok();
    let due = director.get(&assigned).ok()["attention_due_at"].clone();
    director.patch(&user(&leaver), json!({"active": false})).ok();
    pass(&desk);
    for one in [&assigned, &in_progress, &held] {
        let ticket = director.get(one).ok();
        assert_eq!(standing(&ticket), [json!("classified"), json!(1), json!(null)], "{one}");
        assert_eq!((&ticket["accepted_at"], &ticket["scheduled_for"]), (&json!(null), &json!(null)));
        assert!(ticket["attention_due_at"].is_string(), "no clock runs: {ticket}");
    }
    // A clock that ran runs on; one that had stopped starts again.
    assert_eq!(director.get(&assigned).ok()["attention_due_at"], due);
    let ticket = director.get(&asked).ok();
    assert_eq!(
        (&ticket["status"], &ticket["resumes_to"], &ticket["assignee"]),
        (&json!("on_hold"), &json!("classified"), &json!(null))
    );
    assert_eq!(director.get(&solved).ok()["status"], "solved");
    let event = director.get(&format!("{in_progress}/events")).items().pop().unwrap();
    assert_eq!(
        (&event["kind"], &event["actor"], &event["details"]),
        (&json!("unassigned"), &json!(null), &json!({"reason": "inactive", "user_id": leaver.id()}))
    );
    assert_eq!(told(&desk, "waiting_for_staff"), ["technician@mesa.test"; 3]);
    // The requester of an accepted ticket is told.
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'appointment_voided'"), 3);
    pass(&desk);
    assert_eq!(director.get(&format!("{in_progress}/events")).items().pop().unwrap(), event);
    // Work goes on.
    desk.technician().post(&format!("{in_progress}/assignment"), json!({"assignee_id": "me"})).ok();
    desk.technician().post(&format!("{in_progress}/acceptance"), soon()).ok();
    assert_eq!(director.get("/audit/verification").ok()["broken"], json!([]));
}

#[test]
fn a_demotion_returns_tickets_above_the_new_level() {
    let desk = Desk::open();
    let (director, professional) = (desk.director(), desk.another(Role::Professional));
    let first = ticket_of(&desk, &desk.requester(), &professional, "in_progress");
    let second = ticket_at_level_2(&desk, "escalated");
    professional.post(&format!("{second}/assignment"), json!({"assignee_id": "me"})).ok();
    professional.post(&format!("{second}/acceptance"), soon()).ok();
    director.patch(&user(&professional), json!({"role": "technician"})).ok();
    // At once the assignee may no longer solve it.
    professional
        .post(&format!("{second}/solution"), json!({"description": "Listo."}))
        .problem(403, "forbidden");
    pass(&desk);
    assert_eq!(standing(&director.get(&second).ok()), [json!("escalated"), json!(2), json!(null)]);
    assert_eq!(director.get(&first).ok()["assignee"]["id"], professional.id());
    assert_eq!(told(&desk, "waiting_for_staff"), ["professional@mesa.test"]);
    director.patch(&user(&professional), json!({"role": "requester"})).ok();
    pass(&desk);
    assert_eq!(standing(&director.get(&first).ok()), [json!("classified"), json!(1), json!(null)]);
}

#[test]
fn work_returns_on_the_day_after_the_end_of_a_contract() {
    let desk = Desk::open();
    let director = desk.director();
    let person = desk.another(Role::Technician);
    let one = ticket_of(&desk, &desk.requester(), &person, "in_progress");
    let today = chrono::Utc::now().with_timezone(&chrono_tz::America::Bogota).date_naive();
    director.patch(&user(&person), json!({"contract_ends_on": today})).ok();
    pass(&desk);
    assert_eq!(director.get(&one).ok()["assignee"]["id"], person.id());
    director.patch(&user(&person), json!({"contract_ends_on": today.pred_opt()})).ok();
    pass(&desk);
    assert_eq!(standing(&director.get(&one).ok()), [json!("classified"), json!(1), json!(null)]);
    // A ticket that is given to the person knowingly stays.
    let warned = director.post(&format!("{one}/assignment"), json!({"assignee_id": person.id()})).ok();
    assert_eq!(warned["warnings"][0]["code"], "contract_ended");
    pass(&desk);
    assert_eq!(director.get(&one).ok()["assignee"]["id"], person.id());
    // So it does when the account is edited for another reason.
    director.patch(&user(&person), json!({"full_name": "Otro Nombre"})).ok();
    pass(&desk);
    assert_eq!(director.get(&one).ok()["assignee"]["id"], person.id());
}

#[test]
fn a_change_can_be_refused_while_there_is_open_work() {
    let desk = Desk::open();
    let (director, professional) = (desk.director(), desk.another(Role::Professional));
    let first = ticket_of(&desk, &desk.requester(), &professional, "in_progress");
    let id: i64 = first.rsplit('/').next().unwrap().parse().unwrap();
    let change = |body: Value| director.patch(&user(&professional), body);
    let refused =
        change(json!({"active": false, "open_ticket_handling": "refuse"})).problem(409, "open_tickets");
    assert_eq!(refused["ticket_ids"], json!([id]));
    change(json!({"role": "requester", "open_ticket_handling": "refuse"})).problem(409, "open_tickets");
    change(json!({"contract_ends_on": "2020-12-31", "open_ticket_handling": "refuse"}))
        .problem(409, "open_tickets");
    assert_eq!(director.get(&user(&professional)).ok()["active"], true);
    // A technician can go on with a ticket of level 1.
    change(json!({"role": "technician", "open_ticket_handling": "refuse"})).ok();
    let version = director.get(&user(&professional)).version().to_owned();
    change(json!({"open_ticket_handling": "refuse"})).ok();
    assert_eq!(director.get(&user(&professional)).version(), version);
    director.post(&format!("{}/handover", user(&professional)), json!({"reason": "Se retira."})).ok();
    change(json!({"active": false, "open_ticket_handling": "refuse"})).ok();
}

#[test]
fn who_may_no_longer_read_a_ticket_gets_no_mail_about_it() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let director = desk.director();
    let (demoted, gone) = (desk.another(Role::Technician), desk.another(Role::Technician));
    for person in [&demoted, &gone] {
        ticket_of(&desk, &desk.requester(), person, "assigned");
    }
    let watcher = desk.another(Role::Requester);
    let watching = director.post("/tickets/1/watchers", json!({"user_id": watcher.id()}));
    watching.expect_status(201);
    let said = json!({"visibility": "public", "body": "Vamos mañana."});
    director.post("/tickets/1/followups", said).created();
    // The messages wait while the people lose the right to read.
    director.delete(&format!("/tickets/1/watchers/{}", watcher.id())).expect_status(204);
    director.patch(&user(&demoted), json!({"role": "requester"})).ok();
    director.patch(&user(&gone), json!({"active": false})).ok();
    // Their own requests are still told.
    demoted.register("Sin teclado");
    desk.send_mail();
    let to: Vec<String> = server.mail().iter().map(|mail| mail.to.clone()).collect();
    assert!(!to.iter().any(|to| to == gone.email() || to == watcher.email()), "{to:?}");
    assert_eq!(to.iter().filter(|to| *to == demoted.email()).count(), 1, "{to:?}");
    let failed = director.get("/messages?status=failed").items();
    assert_eq!(failed.len(), 3);
    for message in &failed {
        let is_to_watcher = message["recipient"]["id"] == watcher.id();
        assert_eq!(message["kind"], if is_to_watcher { "followup" } else { "assigned" });
        assert!(message["last_error"].as_str().unwrap().contains("may no longer read"), "{message}");
    }
    // Nothing new is queued to them.
    let queued = || desk.database.count("SELECT count(*) FROM messages WHERE kind = 'followup'");
    let before = queued();
    let followup = json!({"visibility": "public", "body": "¿Cuándo vienen?"});
    for id in [1, 2] {
        desk.requester().post(&format!("/tickets/{id}/followups"), followup.clone()).created();
    }
    assert_eq!(queued(), before);
}

#[test]
fn a_reopened_ticket_goes_to_somebody_who_can_attend_to_it() {
    let desk = Desk::open();
    let director = desk.director();
    let reopened = |leaves: &dyn Fn(&Client)| {
        let solver = desk.another(Role::Technician);
        let one = ticket_of(&desk, &desk.requester(), &solver, "solved");
        leaves(&solver);
        (desk.requester().post(&format!("{one}/reopening"), json!({"reason": "Volvió."})).ok(), solver)
    };
    let (ticket, solver) = reopened(&|_: &Client| {});
    assert_eq!((&ticket["status"], &ticket["assignee"]["id"]), (&json!("in_progress"), &json!(solver.id())));
    director.patch(&user(&solver), json!({"active": false})).ok();
    let leaves: [&dyn Fn(&Client); 3] = [
        &|solver: &Client| drop(director.patch(&user(solver), json!({"active": false})).ok()),
        &|solver: &Client| drop(director.patch(&user(solver), json!({"role": "requester"})).ok()),
        &|solver: &Client| {
            drop(director.patch(&user(solver), json!({"contract_ends_on": "2020-12-31"})).ok())
        },
    ];
    for leaves in leaves {
        let (ticket, _) = reopened(leaves);
        assert_eq!(
            (&ticket["status"], &ticket["assignee"]["id"]),
            (&json!("assigned"), &json!(desk.technician().id())),
            "{ticket}"
        );
        assert!(ticket["attention_due_at"].is_string());
    }
    // Nobody is available: the level is told.
    works_only(&desk, &desk.technician(), 3);
    let (ticket, _) = reopened(leaves[0]);
    assert_eq!(standing(&ticket), [json!("classified"), json!(1), json!(null)]);
    desk.director().put(&format!("/users/{}/shifts", desk.technician().id()), json!({"shifts": []})).ok();
    pass(&desk);
    assert!(told(&desk, "waiting_for_staff").contains(&"technician@mesa.test".to_owned()));
}
