//! Every operation of the contract, with ids of existing resources.

use mesa::auth::policy::Role;
use serde_json::{Map, Value, json};

use crate::harness::states::{access_grant, improvement_action, minutes, risk};
use crate::harness::{Answer, Desk, PASSWORD};

pub struct Operation {
    pub id: String,
    pub method: String,
    /// With ids of existing resources.
    pub path: String,
    pub template: String,
    /// The media type of the body, if it takes one.
    pub content_type: Option<String>,
    pub body: Option<Map<String, Value>>,
    pub parameters: Vec<Value>,
    /// Whether it requires `If-Match`.
    pub needs_version: bool,
    /// The roles that may call it; `None` if it needs no token.
    pub roles: Option<Vec<String>>,
}

/// Every operation of the contract, with ids of existing resources.
pub fn operations(desk: &Desk) -> Vec<Operation> {
    let document = desk.nobody().get("//openapi.json").ok();
    let one = desk.ticket_in("in_progress");
    let director = desk.director();
    let id = |answer: &Answer| answer.created()["id"].as_str().unwrap().to_owned();
    let article = json!({"title": "Título", "incident": "Incidente", "resolution": "Solución"});
    let entry = json!({"visibility": "private", "body": "Es el switch."});
    let absence =
        json!({"kind": "course", "starts_at": "2030-01-07T13:00:00Z", "ends_at": "2030-01-08T13:00:00Z"});
    let satisfaction = desk.indicator("satisfaction").rsplit('/').next().unwrap().to_owned();
    let machine = json!({"name": "Inventario", "role": "technician", "scopes": ["read_ticket"]});
    let machine = id(&director.post("/service-accounts", machine));
    let key = id(&director.post(&format!("/service-accounts/{machine}/keys"), json!({})));
    let webhook = id(&director.post("/webhooks", json!({"url": "https://erp.example.gov.co/mesa"})));
    let delivery = director.post(&format!("/webhooks/{webhook}/test"), json!({})).expect(202);
    let known = [
        ("{webhook_id}", webhook),
        ("{job_id}", id_of_job(desk)),
        ("{delivery_id}", delivery["id"].as_str().unwrap().to_owned()),
        ("{ticket_id}", one.rsplit('/').next().unwrap().to_owned()),
        ("{relation_id}", {
            let cause = desk.requester().register("Sin red")["id"].clone();
            id(&director.post(&format!("{one}/relations"), json!({"kind": "caused_by", "ticket_id": cause})))
        }),
        ("{followup_id}", id(&director.post(&format!("{one}/followups"), entry))),
        ("{survey_id}", {
            let solved = desk.ticket_in("solved");
            director.get(&format!("{solved}/survey")).ok()["id"].as_str().unwrap().to_owned()
        }),
        ("{article_id}", id(&director.post("/kb/articles", article))),
        ("{attachment_id}", id(&director.upload(&format!("{one}/attachments"), "nota.txt", "hola"))),
        (
            "{calendar_id}",
            id(&director.post("/calendars", json!({"name": "Noches", "opening_hours": "22:00-06:00"}))),
        ),
        (
            "{holiday_id}",
            id(&director
                .post("/holidays", json!({"name": "Día cívico", "kind": "date", "date": "2030-02-04"}))),
        ),
        (
            "{action_id}",
            id(&director.post("/improvement-actions", improvement_action(desk.technician().id(), "open"))),
        ),
        ("{risk_id}", id(&director.post("/risks", risk(desk.technician().id(), "active")))),
        ("{minutes_id}", id(&director.post("/meeting-minutes", minutes(desk.technician().id())))),
        ("{indicator_id}", satisfaction.clone()),
        ("{measurement_id}", {
            let path = format!("/indicators/{satisfaction}/measurements");
            let measured = id(&director.post(&path, json!({"year": 2026, "quarter": 2})));
            director.patch(&format!("/measurements/{measured}"), json!({"analysis": "Sin encuestas."})).ok();
            measured
        }),
        ("{user_id}", desk.technician().id().to_owned()),
        ("{service_account_id}", machine.clone()),
        ("{key_id}", key),
        ("{absence_id}", id(&director.post(&format!("/users/{}/absences", desk.technician().id()), absence))),
        ("{access_grant_id}", access_grant(desk)),
        ("{tree_size}", desk.sign_tree_head().to_string()),
        ("{event_id}", director.get("/audit/log").items()[0]["id"].as_str().unwrap().to_owned()),
        (
            "{email_id}",
            // It becomes a ticket, so the email needs no further processing.
            id(&director.raw("POST", "/inbound-emails", "message/rfc822", "From: requester@mesa.test\n\nx")),
        ),
        ("{message_id}", message(desk)),
        ("{question_id}", director.get("/survey-questions").items()[0]["id"].as_str().unwrap().to_owned()),
        ("{event_id}", director.get("/audit/log").items()[0]["id"].as_str().unwrap().to_owned()),
        ("{token}", survey_token(desk)),
        ("{criticality}", "low".to_owned()),
        ("{kind}", "surveys".to_owned()),
        ("{revision}", "1".to_owned()),
        ("{year}", "2020".to_owned()),
        ("{quarter}", "3".to_owned()),
    ];
    // A survey exists from the solution on.
    let solved = [("{ticket_id}", desk.ticket_in("solved").rsplit('/').next().unwrap().to_owned())];
    // Staff cannot be anonymized.
    let requester = [("{user_id}", desk.another(Role::Requester).id().to_owned())];
    let escalated = desk.ticket_in("escalated");
    let escalation = director.get(&format!("{escalated}/escalations")).items()[0]["id"].clone();
    let escalated = [
        ("{ticket_id}", escalated.rsplit('/').next().unwrap().to_owned()),
        ("{escalation_id}", escalation.as_str().unwrap().to_owned()),
    ];
    let action = &known.iter().find(|(name, _)| *name == "{action_id}").unwrap().1;
    let progress =
        director.post(&format!("/improvement-actions/{action}/followups"), json!({"body": "Va bien."}));
    let progress = [("{action_id}", action.clone()), ("{followup_id}", id(&progress))];
    let mailed = {
        let number = desk.requester().register("Sin red")["id"].to_string();
        let mail = format!("From: requester@mesa.test\nSubject: Re: [#{number}] Sin red\n\nYa quedó.");
        let email = director.raw("POST", "/inbound-emails", "message/rfc822", mail).created();
        [("{ticket_id}", number), ("{followup_id}", email["followup_id"].as_str().unwrap().to_owned())]
    };
    // The report of the other quarter is approved.
    let draft = [("{year}", "2020".to_owned()), ("{quarter}", "2".to_owned())];
    director.post(&format!("{one}/watchers"), json!({"user_id": desk.technician().id()})).created();
    let own_key = [("{key_id}", id(&director.post("/me/keys", json!({"current_password": PASSWORD}))))];
    let mut operations = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        let known_here = match template.rsplit('/').next() {
            Some("survey") => &solved[..],
            Some("{escalation_id}") => &escalated[..],
            Some("{followup_id}") if template.contains("{action_id}") => &progress[..],
            Some("narrative") => &draft[..],
            Some("{key_id}") if template.contains("/me/") => &own_key[..],
            Some("original") => &mailed[..],
            // A new one is a draft, to which technicians attach files.
            Some("attachments") if template.contains("{indicator_id}") => &[],
            Some("anonymization" | "anonymization-preview") => &requester[..],
            // Technicians may change requesters only.
            Some("{user_id}") if template.ends_with("/users/{user_id}") => &requester[..],
            _ => &known[..],
        };
        let mut path =
            known_here.iter().fold(template.clone(), |path, (name, value)| path.replace(name, value));
        if let Some((collection, _)) = path.split_once("/{") {
            path = path.replacen(&template_id(&path), &created(desk, &document, collection), 1);
        }
        assert!(!path.contains('{'), "no example for {path}");
        for (method, operation) in item.as_object().unwrap() {
            let content = operation["requestBody"]["content"].as_object();
            let schema = content.and_then(|content| content.iter().find(|(kind, _)| kind.ends_with("json")));
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                content_type: content.and_then(|content| content.keys().next().cloned()),
                method: method.to_uppercase(),
                path: format!("/{path}"),
                template: template.clone(),
                body: schema.map(|(_, content)| {
                    resolve(&document, &content["schema"])["properties"]
                        .as_object()
                        .cloned()
                        .unwrap_or_default()
                }),
                parameters: operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|parameter| resolve(&document, parameter))
                    .collect(),
                needs_version: operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|parameter| resolve(&document, parameter))
                    .any(|parameter| parameter["name"] == "If-Match" && parameter["required"] == true),
                roles: roles(operation),
            });
        }
    }
    operations
}

/// The first parameter of a path, in braces.
fn template_id(path: &str) -> String {
    let begin = path.find('{').unwrap();
    path[begin..=path.find('}').unwrap()].to_owned()
}

/// Creates a resource of a collection from the example of its POST, under another name. Returns its id.
fn created(desk: &Desk, document: &Value, collection: &str) -> String {
    let mut body =
        document["paths"][collection]["post"]["requestBody"]["content"]["application/json"]["example"]
            .clone();
    assert!(body.is_object(), "no example for a resource of {collection}");
    if let Some(name) = body["name"].as_str() {
        body["name"] = format!("{name} (otra)").into();
    }
    let answer = desk.director().post(collection.strip_prefix("/api/v1").unwrap(), body);
    answer.created()["id"].as_str().unwrap().to_owned()
}

fn roles(operation: &Value) -> Option<Vec<String>> {
    let roles = operation["x-roles"].as_array()?;
    Some(roles.iter().map(|role| role.as_str().unwrap().to_owned()).collect())
}

/// The id of a message that failed.
fn message(desk: &Desk) -> String {
    desk.database.run("UPDATE messages SET status = 'failed', last_error = 'no'");
    desk.director().get("/messages").items()[0]["id"].as_str().unwrap().to_owned()
}

/// Creates a link to a survey and returns its token.
fn survey_token(desk: &Desk) -> String {
    desk.ticket_in("solved");
    desk.database.run(
        "INSERT INTO survey_tokens (token_hash, survey_id, created_at, expires_at) \
         SELECT sha256('a-token'), id, now(), now() + interval '1 day' FROM surveys LIMIT 1",
    );
    "a-token".to_owned()
}

/// Resolves a reference, and a choice between a reference and null.
pub fn resolve(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolve(document, document.pointer(&reference[1..]).unwrap());
    }
    match schema["oneOf"].as_array() {
        Some(choices) => resolve(document, choices.iter().find(|choice| choice["type"] != "null").unwrap()),
        None => schema.clone(),
    }
}

/// A job of the director with a file.
fn id_of_job(desk: &Desk) -> String {
    let job = desk.director().post("/tickets/exports", json!({"format": "csv"})).expect(202);
    desk.carry_out_jobs();
    job["id"].as_str().unwrap().to_owned()
}
