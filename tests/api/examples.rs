//! The examples of the contract are correct: each request is sent, and its answer has the same form as the recorded
//! one.
//!
//! `MESA_KEEP_EXAMPLES=1` records the answers whose form differs, `MESA_KEEP_EXAMPLES=all` records every answer.

use std::collections::BTreeMap;

use chrono::Utc;
use mesa::auth::policy::Role;
use serde_json::{Map, Value, json};

use crate::example_values::fixed;
use crate::harness::states::soon;
use crate::harness::{Answer, Client, Desk, PASSWORD};
use crate::operations::{Operation, operations};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/examples.json");

/// The state that an operation requires of a ticket; other operations accept any open ticket.
const NEEDS: [(&str, &str); 16] = [
    ("acceptTicket", "assigned"),
    ("archiveTicket", "received"),
    ("assignTicket", "classified"),
    ("classifyTicket", "received"),
    ("closeTicket", "solved"),
    ("escalateTicket", "in_progress"),
    ("holdTicket", "in_progress"),
    ("mergeTicket", "received"),
    ("reopenTicket", "solved"),
    ("requestTicketInformation", "in_progress"),
    ("rescheduleTicket", "in_progress"),
    ("resubmitTicket", "archived"),
    ("resumeTicket", "on_hold"),
    ("returnTicket", "escalated"),
    ("solveTicket", "in_progress"),
    ("updateTicket", "received"),
];

#[test]
fn every_example_is_true() {
    let started = Utc::now();
    let desk = Desk::open();
    let operations = operations(&desk);
    let mut kept = kept();
    let (mut seen, mut wrong) = (BTreeMap::new(), Vec::new());
    for operation in operations.iter().filter(|operation| operation.method != "DELETE") {
        let request = kept.get(&operation.id).and_then(|example| example.get("request"));
        let prepared = prepare(&desk, operation, request);
        if operation.needs_version {
            prepared.without_version().send().problem(428, "precondition_required");
        }
        let answer = prepared.send();
        if !matches!(answer.status, 200..=204) {
            wrong.push(format!("{}: {} {}", operation.id, answer.status, answer.text()));
            continue;
        }
        if answer.status == 201 {
            wrong.extend(location_fault(&desk, &answer).map(|fault| format!("{}: {fault}", operation.id)));
        }
        if answer.header("content-type").starts_with("application/json") {
            seen.insert(operation.id.clone(), fixed(answer.json(), started));
        }
    }
    for operation in operations.iter().filter(|operation| operation.method == "DELETE") {
        assert_eq!(desk.director().raw("DELETE", &operation.path, "application/json", "").status, 204);
    }
    // An answer of the same form is not recorded again, so the file changes only when the contract does.
    let keep = std::env::var("MESA_KEEP_EXAMPLES").ok();
    for (id, answer) in seen {
        let example = kept.entry(id.clone()).or_default();
        let is_alike = example.get("answer").is_some_and(|kept| alike(kept, &answer));
        if keep.as_deref() == Some("all") || keep.is_some() && !is_alike {
            example.insert("answer".to_owned(), answer);
        } else if !is_alike {
            wrong.push(id);
        }
    }
    if keep.is_some() {
        std::fs::write(KEPT, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
    }
    assert!(
        wrong.is_empty(),
        "the answers of these differ; run `MESA_KEEP_EXAMPLES=1 cargo test --test api every_example`: {wrong:?}"
    );
    for id in kept.keys() {
        assert!(operations.iter().any(|operation| operation.id == *id), "{id} is not an operation");
    }
}

/// What is wrong with the `Location` of a 201: it leads to the resource that the answer shows.
fn location_fault(desk: &Desk, made: &Answer) -> Option<String> {
    let location = made.header("location");
    let read = desk.director().get(&format!("/{location}"));
    // A ticket opens the stream.
    if read.header("content-type").starts_with("text/event-stream") {
        return (read.status != 200).then(|| format!("Location {location}: {}", read.status));
    }
    let (made, found) = (made.json(), read.json());
    // A link shows the survey with its questions.
    let found = found.get("survey").unwrap_or(&found);
    let same = ["id", "year", "quarter"].iter().all(|name| made[*name] == found[*name]);
    (read.status != 200 || !same).then(|| format!("Location {location}: {} {}", read.status, read.text()))
}

/// A request that is ready to send.
pub struct Prepared {
    pub who: Client,
    method: String,
    path: String,
    /// Media type and body; `None` for a request without a body.
    pub body: Option<(String, String)>,
}

impl Prepared {
    /// The same request without `If-Match`.
    fn without_version(&self) -> Self {
        let who = self.who.without("if-match");
        Prepared { who, method: self.method.clone(), path: self.path.clone(), body: self.body.clone() }
    }

    pub fn send(&self) -> Answer {
        match &self.body {
            None if self.method == "GET" => self.who.get(&self.path),
            None => self.who.raw(&self.method, &self.path, "application/json", ""),
            Some((content_type, text)) if content_type == "multipart/form-data" => {
                self.who.upload(&self.path, "nota.txt", text.as_str())
            }
            Some((content_type, text)) => self.who.raw(&self.method, &self.path, content_type, text.clone()),
        }
    }
}

/// The request of the example, with ids, times and passwords of this desk.
pub fn prepare(desk: &Desk, operation: &Operation, request: Option<&Value>) -> Prepared {
    let mut who = caller(desk, &operation.id);
    if operation.needs_version {
        who = who.with("if-match", "*");
    }
    let state = NEEDS.iter().find(|(id, _)| *id == operation.id).map(|(_, state)| *state);
    let mut path = match state {
        Some(state) => {
            let step = operation.path.split('/').nth(6).unwrap_or_default();
            format!("{}/{step}", desk.ticket_in(state)).trim_end_matches('/').to_owned()
        }
        None if operation.id == "processInboundEmail" => {
            let from_nobody =
                desk.director().raw("POST", "/inbound-emails", "message/rfc822", "Subject: x\n\nx");
            format!("/inbound-emails/{}/processing", from_nobody.created()["id"].as_str().unwrap())
        }
        None if operation.id == "cancelJob" => {
            let job = desk.director().post("/tickets/exports", json!({"format": "csv"})).expect(202);
            format!("/jobs/{}/cancellation", job["id"].as_str().unwrap())
        }
        None => operation.path["/api/v1".len() + 1..].to_owned(),
    };
    if operation.method == "GET" {
        path = format!("{path}?{}", asked(operation));
    }
    let body = operation.content_type.as_ref().map(|content_type| {
        let text = match (content_type.as_str(), request.unwrap_or(&Value::Null)) {
            ("multipart/form-data", _) => "La placa es 10432.".to_owned(),
            ("application/x-www-form-urlencoded", form) => {
                let form = real(desk, form).as_object().unwrap().clone();
                let pairs = form.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
            }
            (_, Value::String(text)) => text.clone(),
            (_, body) => real(desk, body).to_string(),
        };
        (content_type.clone(), text)
    });
    Prepared { who, method: operation.method.clone(), path, body }
}

/// The examples of the contract by the id of their operation.
pub fn kept() -> BTreeMap<String, Map<String, Value>> {
    serde_json::from_str(&std::fs::read_to_string(KEPT).unwrap()).unwrap()
}

/// The required query parameters, with the values of their examples.
fn asked(operation: &Operation) -> String {
    let all = operation.parameters.iter().filter(|each| each["in"] == "query" && each["required"] == true);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for each in all {
        let example = &each["example"];
        let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        query.append_pair(each["name"].as_str().unwrap(), &text);
    }
    query.finish()
}

fn caller(desk: &Desk, operation: &str) -> Client {
    match operation {
        "answerTicketSurvey" | "resubmitTicket" | "updateTicket" => desk.requester(),
        "acceptTicket" | "rescheduleTicket" | "solveTicket" => desk.technician(),
        // The operation ends the caller's tokens.
        "changeMyPassword" | "logout" => desk.another(Role::Requester),
        _ => desk.director(),
    }
}

fn real(desk: &Desk, body: &Value) -> Value {
    let mut body = body.clone();
    let login = |email| desk.nobody().post("/auth/login", json!({"email": email, "password": PASSWORD})).ok();
    for (name, value) in body.as_object_mut().into_iter().flatten() {
        let number = |path: &str| path.rsplit('/').next().unwrap().parse::<i64>().unwrap();
        *value = match name.as_str() {
            "into_ticket_id" | "ticket_id" => json!(number(&desk.ticket_in("received"))),
            "scheduled_for" => soon()["scheduled_for"].clone(),
            "password" | "current_password" if body_is_ours(value) => json!(PASSWORD),
            "refresh_token" => login("requester@mesa.test")["refresh_token"].clone(),
            "token" => json!(link_token(desk)),
            _ => continue,
        };
    }
    body
}

/// The token of a link to set the password of an account that no other request uses.
fn link_token(desk: &Desk) -> String {
    let (person, config) = (desk.another(Role::Requester), &desk.shared().config);
    let link =
        mesa::people::accounts::password_link(&mut desk.database.connect(), config, person.email()).unwrap();
    link.rsplit('/').next().unwrap().to_owned()
}

/// Whether this is the example password, which is replaced by the real one.
fn body_is_ours(value: &Value) -> bool {
    value == "una-clave-larga"
}

/// Whether both have the same fields of the same types; a value that is `null` or empty in one matches any in the
/// other.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Array(some), Value::Array(others)) => {
            some.iter().zip(others).all(|(one, other)| alike(one, other))
        }
        (Value::Object(some), Value::Object(others)) => {
            some.len() == others.len()
                && some.iter().all(|(name, one)| others.get(name).is_some_and(|other| alike(one, other)))
        }
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}
