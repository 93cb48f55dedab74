//! Monitoring of attention times: who is notified when attention is due soon or overdue.

use std::thread;

use mesa::auth::policy::Role;
use mesa::tickets::watch;
use serde_json::{Value, json};

use crate::harness::Desk;

const BOGOTA: chrono_tz::Tz = chrono_tz::America::Bogota;

fn watch(desk: &Desk) -> usize {
    watch::notify(&mut desk.database.connect(), BOGOTA).unwrap()
}

/// Moves the times of every ticket this many minutes into the past.
fn pass(desk: &Desk, minutes: i64) {
    desk.database.run(&format!(
        "UPDATE tickets SET received_at = received_at - interval '{minutes} minutes',
            attention_due_at = attention_due_at - interval '{minutes} minutes',
            attention_due_soon_at = attention_due_soon_at - interval '{minutes} minutes'"
    ));
}

/// The recipients of the messages of this kind, by email address.
fn notified(desk: &Desk, kind: &str) -> Vec<String> {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Email {
        #[diesel(sql_type = diesel::sql_types::Text)]
        email: String,
    }
    let sql = format!(
        "SELECT u.email FROM messages m JOIN users u ON u.id = m.recipient_id WHERE m.kind = '{kind}' ORDER BY 1"
    );
    let emails: Vec<Email> = diesel::sql_query(sql).load(&mut desk.database.connect()).unwrap();
    emails.into_iter().map(|row| row.email).collect()
}

fn kinds(desk: &Desk, one: &str) -> Vec<String> {
    let events = desk.technician().get(&format!("{one}/events")).items();
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_assignee_is_notified_at_75_percent_and_with_the_director_at_the_end() {
    let desk = Desk::open();
    // 5 hours: three quarters are 225 minutes.
    let one = desk.ticket_in("assigned");
    pass(&desk, 224);
    assert_eq!(watch(&desk), 0);
    pass(&desk, 2);
    assert_eq!((watch(&desk), watch(&desk)), (1, 0));
    assert_eq!(notified(&desk, "due_soon"), ["technician@mesa.test"]);
    assert!(notified(&desk, "overdue").is_empty());
    pass(&desk, 75);
    assert_eq!((watch(&desk), watch(&desk)), (1, 0));
    assert_eq!(notified(&desk, "overdue"), ["director@mesa.test", "technician@mesa.test"]);
    assert_eq!(kinds(&desk, &one), ["received", "classified", "assigned", "due_soon", "overdue"]);
    let events = desk.technician().get(&format!("{one}/events")).items();
    assert_eq!(events[3]["actor"], Value::Null);
}

#[test]
fn without_an_assignee_all_staff_of_the_level_are_notified() {
    let desk = Desk::open();
    let second = desk.another(Role::Technician);
    let left = desk.another(Role::Technician);
    desk.director().patch(&format!("/users/{}", left.id()), json!({"active": false})).ok();
    desk.ticket_in("classified");
    pass(&desk, 301);
    assert_eq!(watch(&desk), 1);
    assert!(notified(&desk, "due_soon").is_empty(), "it is already overdue");
    assert_eq!(notified(&desk, "overdue"), ["director@mesa.test", second.email(), "technician@mesa.test"]);
}

#[test]
fn a_ticket_accepted_in_time_causes_no_notification() {
    let desk = Desk::open();
    for state in ["in_progress", "on_hold", "solved", "closed", "archived"] {
        desk.ticket_in(state);
    }
    // Accepted by one person and then assigned to another: the attention time has stopped.
    let given = desk.ticket_in("in_progress");
    desk.technician()
        .post(&format!("{given}/assignment"), json!({"assignee_id": desk.professional().id()}))
        .ok();
    pass(&desk, 10_000);
    assert_eq!(watch(&desk), 0);
}

#[test]
fn a_later_due_time_causes_a_new_notification() {
    let desk = Desk::open();
    let one = desk.ticket_in("classified");
    pass(&desk, 301);
    assert_eq!(watch(&desk), 1);
    // Low: 18 hours.
    desk.technician().post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    assert_eq!(watch(&desk), 0);
    pass(&desk, 18 * 60);
    assert_eq!(watch(&desk), 1);
    assert_eq!(notified(&desk, "overdue").len(), 4);
}

#[test]
fn an_overdue_critical_ticket_is_escalated_if_its_category_says_so() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let category = json!({"name": "Servidores", "escalates_overdue": true});
    let category = director.post("/categories", category).created()["id"].clone();
    let register = |category: Value, criticality: &str| {
        let body =
            json!({"subject": "Servidor caído", "description": "No responde.", "category_id": category});
        let one = format!("/tickets/{}", desk.requester().post("/tickets", body).created()["id"]);
        technician.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok();
        technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
        one
    };
    let goes_up = register(category.clone(), "critical");
    let high = register(category, "high");
    let elsewhere = register(Value::Null, "critical");
    pass(&desk, 121);
    assert_eq!(watch(&desk), 3);
    let ticket = technician.get(&goes_up).ok();
    assert_eq!(
        (&ticket["status"], &ticket["support_level"], &ticket["assignee"]),
        (&json!("escalated"), &json!(2), &json!(null))
    );
    let escalations = technician.get(&format!("{goes_up}/escalations")).items();
    assert_eq!((&escalations[0]["escalated_by"], &escalations[0]["to_level"]), (&json!(null), &json!(2)));
    assert_eq!(kinds(&desk, &goes_up)[3..], ["overdue", "escalated"]);
    for one in [&high, &elsewhere] {
        assert_eq!(technician.get(one).ok()["status"], "assigned");
    }
    assert_eq!(
        notified(&desk, "overdue").iter().filter(|email| email.starts_with("professional")).count(),
        1
    );
    // The attention time of the next level runs as well, up to the last level.
    desk.database
        .run("UPDATE tickets SET attention_due_at = now(), attention_due_soon_at = now() WHERE id = 1");
    assert_eq!(watch(&desk), 1);
    assert_eq!(technician.get(&goes_up).ok()["support_level"], 3);
    desk.database
        .run("UPDATE tickets SET attention_due_at = now(), attention_due_soon_at = now() WHERE id = 1");
    assert_eq!(watch(&desk), 1);
    assert_eq!(technician.get(&goes_up).ok()["support_level"], 3);
}

#[test]
fn two_servers_notify_once_about_each_of_a_hundred_tickets() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.ticket_in("assigned");
    // The other tickets are copies of the first one, apart from their number.
    desk.database.run(
        "CREATE TEMP TABLE copy AS SELECT * FROM tickets;
         INSERT INTO tickets (subject, description, status, criticality, channel, support_level, requester_id,
             requester_full_name, requester_document_id, requester_email, requester_mobile, requester_unit_id,
             requester_unit_name, registered_by_id, assignee_id, received_at, classified_at, assigned_at,
             attention_due_at, attention_due_soon_at, first_attention_due_at, updated_at)
         SELECT subject, description, status, criticality, channel, support_level, requester_id,
             requester_full_name, requester_document_id, requester_email, requester_mobile, requester_unit_id,
             requester_unit_name, registered_by_id, assignee_id, received_at, classified_at, assigned_at,
             attention_due_at, attention_due_soon_at, first_attention_due_at, updated_at
         FROM copy, generate_series(1, 99)",
    );
    pass(&desk, 301);
    let copy = desk.copy();
    // Both servers notify at the same time.
    thread::scope(|scope| {
        for server in [desk.shared(), copy.shared()] {
            scope.spawn(move || {
                for _ in 0..5 {
                    watch::notify(&mut server.db.connection().unwrap(), BOGOTA).unwrap();
                }
            });
        }
    });
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'overdue'"), 200);
    let each = "SELECT count(*) FROM (SELECT ticket_id FROM messages WHERE kind = 'overdue' GROUP BY ticket_id, recipient_id HAVING count(*) = 1) AS once";
    assert_eq!(desk.database.count(each), 200);
    let to_assignee = format!(
        "SELECT count(*) FROM messages WHERE kind = 'overdue' AND recipient_id = '{}'",
        technician.id()
    );
    assert_eq!(desk.database.count(&to_assignee), 100);
    assert_eq!(desk.database.count("SELECT count(*) FROM events WHERE kind = 'overdue'"), 100);
}

#[test]
fn a_third_party_is_recorded_with_reference_and_promised_time() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let escalate = |body: Value| desk.technician().post(&format!("{one}/escalations"), body);
    let refused =
        |body: Value| escalate(body).faults().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
    assert_eq!(
        refused(json!({"reason": "x", "reference": "SR-1", "promised_for": "2030-01-01T00:00:00Z"})),
        ["/reference", "/promised_for"]
    );
    assert_eq!(
        refused(json!({"reason": "x", "third_party": "Redes", "promised_for": "2020-01-01T00:00:00Z"})),
        ["/promised_for"]
    );
    let made = escalate(json!({
        "reason": "Falla del proveedor.", "third_party": "Redes S. A. S.", "reference": "SR-20311",
        "promised_for": "2030-01-01T00:00:00Z",
    }));
    let made = made.created();
    assert_eq!(
        (&made["to_level"], &made["third_party"], &made["reference"]),
        (&json!(3), &json!("Redes S. A. S."), &json!("SR-20311"))
    );
    // Each level has its own record.
    let director = desk.director();
    director.post(&format!("{one}/assignment"), json!({"assignee_id": director.id()})).ok();
    director.post(&format!("{one}/acceptance"), crate::harness::states::soon()).ok();
    let levels = director.get(&format!("{one}/attention")).ok()["levels"].clone();
    let record = |index: usize| {
        let level: &Value = &levels[index];
        (
            level["support_level"].clone(),
            level["assignee"]["role"].clone(),
            level["in_time"].clone(),
            level["assigned_at"].is_string(),
        )
    };
    assert_eq!(record(0), (json!(1), json!("technician"), json!(true), true));
    assert_eq!(record(1), (json!(3), json!("director"), json!(true), true));
}

#[test]
fn a_ticket_that_fails_does_not_block_the_others() {
    let desk = Desk::open();
    let director = desk.director();
    let category = json!({"name": "Servidores", "escalates_overdue": true});
    let category = director.post("/categories", category).created()["id"].clone();
    for _ in 0..2 {
        let body =
            json!({"subject": "Servidor caído", "description": "No responde.", "category_id": category});
        let one = desk.requester().post("/tickets", body).created()["id"].clone();
        director.post(&format!("/tickets/{one}/classification"), json!({"criticality": "critical"})).ok();
    }
    let solved = desk.ticket_in("solved");
    desk.database.run("UPDATE tickets SET solved_at = solved_at - interval '9 days' WHERE status = 'solved'");
    pass(&desk, 61);
    // Updates of the first ticket fail, as if its data were damaged.
    desk.database.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON tickets FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION refuse()",
    );
    mesa::server::routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(director.get("/tickets/1").ok()["status"], "classified");
    assert_eq!(director.get("/tickets/2").ok()["status"], "escalated");
    assert_eq!(director.get(&solved).ok()["status"], "closed");
}

#[test]
fn an_expired_calendar_does_not_prevent_an_escalation() {
    let desk = Desk::open();
    let category = json!({"name": "Servidores", "escalates_overdue": true});
    let category = desk.director().post("/categories", category).created()["id"].clone();
    let body = json!({"subject": "Servidor caído", "description": "No responde.", "category_id": category});
    desk.requester().post("/tickets", body).created();
    desk.technician().post("/tickets/1/classification", json!({"criticality": "critical"})).ok();
    pass(&desk, 61);
    desk.database.run(
        "SET session_replication_role = replica; UPDATE attention_policies SET opening_hours = '2020 Jan 01 08:00-09:00'",
    );
    assert_eq!(watch(&desk), 1);
    let ticket = desk.technician().get("/tickets/1").ok();
    assert_eq!((&ticket["status"], &ticket["attention_due_at"]), (&json!("escalated"), &json!(null)));
}

#[test]
fn notifications_to_staff_do_not_change_the_requesters_view() {
    let desk = Desk::open();
    let one = desk.ticket_in("assigned");
    pass(&desk, 301);
    let seen = || {
        let answer = desk.requester().get(&one);
        (answer.text(), answer.header("etag").to_owned())
    };
    let before = seen();
    assert_eq!(watch(&desk), 1);
    assert_eq!(seen(), before);
}
