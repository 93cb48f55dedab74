//! Several operations on tickets in one request: results of their own, all or none, the same traces as single requests.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Client, Desk};
use crate::service_accounts::machine;

fn bulk(client: &Client, operations: Value) -> Vec<Value> {
    let answer = client.post("/tickets/bulk", json!({"operations": operations})).ok();
    answer["results"].as_array().unwrap().clone()
}

fn new_ticket(desk: &Desk, subject: &str) -> Value {
    json!({"subject": subject, "description": "No responde.", "requester_id": desk.requester().id()})
}

fn number(path: &str) -> i64 {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

#[test]
fn each_operation_has_a_result_of_its_own() {
    let desk = Desk::open();
    let technician = desk.technician();
    let known = desk.ticket_in("received");
    let stale = technician.get(&known).header("etag").to_owned();
    technician.post(&format!("{known}/classification"), json!({"criticality": "low"})).ok();
    let id = number(&known);
    let results = bulk(
        &technician,
        json!([
            {"create": new_ticket(&desk, "Uno")},
            {"create": {"subject": "Sin descripción"}},
            {"ticket_id": id, "classification": {"criticality": "high"}},
            {"ticket_id": id, "classification": {"criticality": "urgent"}},
            {"ticket_id": id, "if_match": stale, "classification": {"criticality": "low"}},
            {"ticket_id": 999_999, "classification": {"criticality": "low"}},
            {"ticket_id": id, "solution": {"description": "Se cambió."}},
            {"hold": {"reason": "Falta el repuesto."}},
            {"ticket_id": id, "followup": {"visibility": "public", "body": "Se revisa."}},
        ]),
    );
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 200, 422, 412, 404, 409, 422, 201], "{results:#?}");
    assert_eq!(results[1]["problem"]["errors"][0]["pointer"], "/description");
    assert_eq!(results[1]["ticket"], Value::Null);
    assert_eq!(results[3]["problem"]["errors"][0]["pointer"], "/criticality");
    assert_eq!(results[7]["problem"]["errors"][0]["pointer"], "/ticket_id");
    assert_eq!(results[2]["ticket"]["criticality"], "high");
    let created = results[0]["location"].as_str().unwrap().replace("/api/v1", "");
    let read = technician.get(&created);
    assert_eq!(read.header("etag"), results[0]["etag"].as_str().unwrap());
    assert_eq!(read.ok(), results[0]["ticket"]);
    let current = technician.get(&known);
    assert_eq!(current.ok()["criticality"], "high");
    // What was refused left nothing: one registration more, and no message for it.
    assert_eq!(technician.get("/tickets").items().len(), 2);
}

#[test]
fn each_operation_sees_what_those_before_it_did_and_leaves_the_same_traces() {
    let desk = Desk::open();
    let technician = desk.technician();
    let (single, together) = (desk.ticket_in("received"), desk.ticket_in("received"));
    let steps = [
        ("classification", json!({"criticality": "medium"})),
        ("assignment", json!({"assignee_id": technician.id()})),
        ("acceptance", soon()),
        ("solution", json!({"description": "Se cambió el cable."})),
    ];
    for (step, body) in &steps {
        technician.post(&format!("{single}/{step}"), body.clone()).ok();
    }
    let operations: Vec<Value> =
        steps.iter().map(|(step, body)| json!({"ticket_id": number(&together), (*step): body})).collect();
    let results = bulk(&technician, operations.into());
    assert!(results.iter().all(|result| result["status"] == 200), "{results:#?}");
    let kinds = |one: &str| -> Vec<String> {
        let events = technician.get(&format!("{one}/events")).items();
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&together), kinds(&single));
    let messages = |one: &str| {
        let all = desk.director().get(&format!("/messages?ticket_id={}", number(one))).items();
        let mut kinds: Vec<String> = all.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(messages(&together), messages(&single));
    assert_eq!(technician.get(&together).ok()["status"], "solved");
    assert_eq!(desk.requester().get(&format!("{together}/survey")).ok()["status"], "pending");
    // One after the other, also in time.
    let events = technician.get(&format!("{together}/events")).items();
    assert!(events.windows(2).all(|pair| pair[0]["at"].as_str() <= pair[1]["at"].as_str()), "{events:#?}");
}

/// Registrations that are written together are the same as those of single requests: also one that is archived at once among
/// them, and those beside one that is refused.
#[test]
fn registrations_together_are_the_same_as_one_by_one() {
    let desk = Desk::open();
    let requester = desk.requester();
    let body = json!({"name": "Accesos", "required_profile": "unit_head"});
    let for_heads = desk.director().post("/categories", body).created()["id"].clone();
    let new = |subject: &str, category_id: Value| json!({"subject": subject, "description": "No responde.", "category_id": category_id, "channel": "web"});
    let wanted = [
        new("Uno", Value::Null),
        new("Dos", for_heads.clone()),
        new("Tres", Value::Null),
        new("Cuatro", Value::Null),
    ];
    let single: Vec<Value> =
        wanted.iter().map(|body| requester.post("/tickets", body.clone()).created()).collect();
    let operations: Vec<Value> = wanted.iter().map(|body| json!({"create": body})).collect();
    let together = bulk(&requester, operations.clone().into());
    let traces = |ticket: &Value| {
        let id = ticket["id"].as_i64().unwrap();
        let mut ticket = requester.get(&format!("/tickets/{id}")).ok();
        for moment in ["id", "received_at", "updated_at", "attention_due_at"] {
            ticket.as_object_mut().unwrap().remove(moment);
        }
        ticket["archive"].as_object_mut().map(|archive| archive.remove("archived_at"));
        let events = desk.director().get(&format!("/tickets/{id}/events")).items();
        let events =
            events.iter().map(|event| [&event["kind"], &event["details"], &event["actor"]].map(Value::clone));
        let count = |table: &str| {
            desk.database.count(&format!("SELECT count(*) FROM {table} WHERE ticket_id = {id}"))
        };
        let counts = ["messages", "attentions", "openings", "ticket_facts", "ticket_words"].map(count);
        (ticket, events.collect::<Vec<_>>(), counts)
    };
    for (one, result) in single.iter().zip(&together) {
        assert_eq!(result["status"], 201);
        let id = result["ticket"]["id"].clone();
        assert_eq!(result["location"], format!("/api/v1/tickets/{id}"));
        let read = requester.get(&format!("/tickets/{id}"));
        assert_eq!((&read.ok(), read.header("etag")), (&result["ticket"], result["etag"].as_str().unwrap()));
        assert_eq!(traces(&result["ticket"]), traces(one));
    }
    let ids: Vec<i64> = together.iter().map(|result| result["ticket"]["id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let refused = json!({"create": {"subject": "Sin descripción"}});
    let numbers = || desk.database.count("SELECT last_value FROM tickets_id_seq");
    let before = numbers();
    let atomic = json!({"operations": [operations[0], operations[2], refused], "atomic": true});
    let problem = requester.post("/tickets/bulk", atomic).problem(422, "invalid_body");
    assert_eq!((&problem["operation_index"], numbers()), (&json!(2), before));
    assert_eq!(problem["errors"][0]["pointer"], "/operations/2/create/description");
    let [one, two, three] = [&operations[0], &operations[2], &operations[3]];
    let beside = bulk(&requester, json!([refused, one, two, refused, refused, three, one, two]));
    let statuses: Vec<u64> = beside.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [422, 201, 201, 422, 422, 201, 201, 201]);
    let subjects: Vec<&Value> = beside.iter().map(|result| &result["ticket"]["subject"]).collect();
    assert_eq!((subjects[1], subjects[5], subjects[7]), (&json!("Uno"), &json!("Cuatro"), &json!("Tres")));
    assert_eq!(requester.get("/tickets").items().len(), 13);
}

/// What an account lacked and an earlier registration added is known to the next one.
#[test]
fn a_registration_sees_what_an_earlier_one_added_to_the_account() {
    let desk = Desk::open();
    let person = json!({
        "document_id": "99887766", "full_name": "Luz Mar", "unit_id": desk.unit_id(), "contact": {"mobile": "300"}
    });
    let new = |requester: Value| json!({"create": {"subject": "Sin red", "description": "No hay red.", "requester": requester}});
    let later = json!({"document_id": "99887766"});
    let with_address = json!({"document_id": "99887766", "email": "luz.mar@example.gov.co"});
    let operations = json!([new(person), new(later.clone()), new(with_address), new(later)]);
    let results = bulk(&desk.technician(), operations);
    let requesters: Vec<_> = results.iter().map(|result| &result["ticket"]["requester"]).collect();
    assert!(requesters.iter().all(|requester| requester["id"] == requesters[0]["id"]), "{results:#?}");
    assert_eq!(requesters[3]["email"], "luz.mar@example.gov.co");
    assert_eq!(requesters[3]["full_name"], "Luz Mar");
}

#[test]
fn all_or_none() {
    let desk = Desk::open();
    let technician = desk.technician();
    let id = number(&desk.ticket_in("received"));
    let before = technician.get(&format!("/tickets/{id}")).ok();
    let events = |desk: &Desk| desk.database.count("SELECT count(*) FROM events");
    let known = events(&desk);
    let atomic = |last: Value| {
        let operations = json!([
            {"create": new_ticket(&desk, "Uno")},
            {"ticket_id": id, "classification": {"criticality": "low"}},
            last,
        ]);
        technician.post("/tickets/bulk", json!({"operations": operations, "atomic": true}))
    };
    let refused = atomic(json!({"ticket_id": id, "classification": {"criticality": "x"}}));
    let refused = refused.problem(422, "invalid_body");
    assert_eq!(refused["operation_index"], 2);
    assert_eq!(refused["errors"][0]["pointer"], "/operations/2/classification/criticality");
    let refused = atomic(json!({"ticket_id": id, "closure": {}})).problem(409, "step_not_allowed");
    assert_eq!(refused["operation_index"], 2);
    assert_eq!(technician.get(&format!("/tickets/{id}")).ok(), before);
    assert_eq!(events(&desk), known);
    let done = atomic(json!({"ticket_id": id, "assignment": {}}));
    assert_eq!(done.ok()["results"].as_array().unwrap().len(), 3);
    assert!(events(&desk) > known);
}

#[test]
fn nobody_does_more_in_bulk_than_alone() {
    let desk = Desk::open();
    let foreign = number(&desk.ticket_in("received"));
    let other = desk.another(Role::Requester);
    let results = bulk(
        &other,
        json!([
            {"ticket_id": foreign, "update": {"subject": "Otro"}},
            {"ticket_id": foreign, "followup": {"visibility": "public", "body": "Hola."}},
            {"ticket_id": foreign, "classification": {"criticality": "low"}},
            {"create": {"subject": "A nombre de otra", "description": "x",
                "requester_id": desk.requester().id()}},
        ]),
    );
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [404, 404, 403, 403], "{results:#?}");
    let (_, machine) = machine(&desk, Role::Technician, &["read_ticket", "classify"]);
    let results = bulk(
        &machine,
        json!([
            {"ticket_id": foreign, "classification": {"criticality": "low"}},
            {"ticket_id": foreign, "assignment": {"assignee_id": desk.technician().id()}},
            {"create": new_ticket(&desk, "Uno")},
        ]),
    );
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 403, 403], "{results:#?}");
    desk.technician().post("/tickets/bulk", json!({"operations": []})).problem(422, "invalid_body");
    let many: Vec<Value> = (0..1001).map(|_| json!({"ticket_id": 1, "closure": {}})).collect();
    desk.technician().post("/tickets/bulk", json!({"operations": many})).problem(422, "invalid_body");
}

#[test]
fn a_repeat_under_the_same_key_does_nothing_twice() {
    let desk = Desk::open();
    let technician = desk.technician().with("idempotency-key", "lote-1");
    let operations: Vec<Value> =
        (0..100).map(|number| json!({"create": new_ticket(&desk, &format!("Caso {number}"))})).collect();
    let body = json!({"operations": operations});
    let first = technician.post("/tickets/bulk", body.clone());
    let again = technician.post("/tickets/bulk", body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.ok(), again.ok());
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 100);
    assert_eq!(
        desk.database.count("SELECT count(DISTINCT ticket_id) FROM events WHERE kind = 'received'"),
        100
    );
}

/// Each locks its tickets in the same order, whatever the order of its operations.
#[test]
fn two_requests_on_the_same_tickets_do_not_block_each_other() {
    let desk = Desk::open();
    let numbers: Vec<i64> =
        (0..12).map(|_| desk.requester().register("Sin red")["id"].as_i64().unwrap()).collect();
    let operations = |numbers: &mut dyn Iterator<Item = &i64>| -> Value {
        let entry = json!({"visibility": "public", "body": "Se revisa."});
        numbers.map(|number| json!({"ticket_id": number, "followup": entry})).collect()
    };
    let (up, down) = (operations(&mut numbers.iter()), operations(&mut numbers.iter().rev()));
    std::thread::scope(|scope| {
        for (client, operations) in [
            (desk.requester(), &up),
            (desk.technician(), &down),
            (desk.requester(), &down),
            (desk.technician(), &up),
        ] {
            scope.spawn(move || {
                for _ in 0..3 {
                    let results = bulk(&client, operations.clone());
                    assert!(results.iter().all(|result| result["status"] == 201), "{results:#?}");
                }
            });
        }
    });
}
