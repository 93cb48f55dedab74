//! The requests that belong to each action.

use mesa::auth::policy::{Action, Role};
use serde_json::{Value, json};

use crate::harness::states::{access_grant, improvement_action, indicator, minutes, risk, soon, ticket_of};
use crate::harness::{Answer, Client, Desk, PASSWORD};

/// Sends the requests of an action as `me`, on a resource of `me` or of another person.
pub struct Attempt<'a> {
    pub desk: &'a Desk,
    pub me: &'a Client,
    pub own: bool,
}

impl Attempt<'_> {
    /// A ticket in this state whose requester is `me` or another person.
    fn ticket(&self, state: &str) -> String {
        let demo = self.desk.requester();
        ticket_of(self.desk, if self.own { self.me } else { &demo }, &self.desk.technician(), state)
    }

    /// A ticket in this state that is assigned to `me` or to another person.
    fn assigned(&self, state: &str) -> String {
        let demo = self.desk.technician();
        // A requester cannot be an assignee.
        let assignee = if self.own && self.me.email().starts_with("requester") { &demo } else { self.me };
        ticket_of(self.desk, &self.desk.requester(), if self.own { assignee } else { &demo }, state)
    }

    fn post(&self, path: String, body: Value) -> Answer {
        // What is signed or approved is named with its version.
        let is_final = path.ends_with("/signature") || path.ends_with("/approval");
        let me = if is_final { &self.me.with("if-match", "*") } else { self.me };
        me.post(&path, body)
    }

    fn article(&self) -> String {
        let (visibility, status) = if self.own { ("public", "published") } else { ("internal", "draft") };
        let article = self.desk.technician().post("/kb/articles", article(visibility, status)).created();
        format!("/kb/articles/{}", article["id"].as_str().unwrap())
    }

    pub fn answers(&self, action: Action) -> Vec<Answer> {
        let get = |path: &str| self.me.get(path);
        match action {
            Action::FollowEvents => vec![
                get("/events?limit=1"),
                get("/events/stream?seconds=1"),
                self.post("/events/stream-tickets".into(), json!({})),
            ],
            Action::UseOwnAccount => vec![get("/me"), self.me.patch("/me", json!({"locale": "en"}))],
            Action::RegisterTicket => {
                let demo = self.desk.requester();
                let id = if self.own { self.me.id() } else { demo.id() };
                let body = json!({"subject": "Sin red", "description": "No hay red.", "requester_id": id});
                vec![self.post("/tickets".into(), body)]
            }
            Action::ImportTickets => {
                let body = json!({
                    "external_source": "glpi", "external_id": uuid::Uuid::now_v7(), "subject": "Sin red",
                    "description": "No hay red.", "requester_id": self.desk.requester().id(),
                    "received_at": "2024-03-01T13:00:00Z",
                    "solution": {"description": "Se cambió.", "solved_at": "2024-03-02T13:00:00Z"}
                });
                vec![self.post("/tickets/imports".into(), body)]
            }
            Action::ReadTicket => {
                let one = self.ticket("in_progress");
                let file = self.desk.director().upload(&format!("{one}/attachments"), "a.txt", "a").created();
                let file = format!("/attachments/{}", file["id"].as_str().unwrap());
                let entry = json!({"visibility": "public", "body": "Vamos."});
                let entry = self.desk.director().post(&format!("{one}/followups"), entry).created();
                let entry = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
                vec![
                    get(&one),
                    get(&format!("{one}/followups")),
                    get(&entry),
                    get(&format!("{entry}/attachments")),
                    get(&format!("{one}/attachments")),
                    get(&format!("{one}/suggestions")),
                    get(&format!("{one}/receipt")),
                    get(&format!("{one}/attention")),
                    get(&format!("{one}/timeline")),
                    get(&format!("{one}/relations")),
                    get(&file),
                    get(&format!("{file}/content")),
                ]
            }
            Action::ChangeTicket => {
                vec![self.me.patch(&self.ticket("received"), json!({"subject": "Sin red en la oficina"}))]
            }
            Action::Attach => {
                let one = self.ticket("received");
                vec![self.me.upload(&format!("{one}/attachments"), "nota.txt", "hola")]
            }
            Action::AddPublicFollowup => {
                let body = json!({"visibility": "public", "body": "Gracias."});
                let one = self.ticket("received");
                // Written by a person in copy, who sent it to the requester too.
                let (id, number) = (uuid::Uuid::now_v7(), one.rsplit('/').next().unwrap());
                self.desk.database.run(&format!(
                    "INSERT INTO followups (id, ticket_id, author_id, visibility, body, created_at, from_copy, to_requester) \
                     SELECT '{id}', {number}, '{}', 'private', 'Yo lo vi.', now(), true, true",
                    self.desk.director().id()
                ));
                vec![
                    self.post(format!("{one}/followups"), body),
                    self.post(format!("{one}/followups/{id}/publication"), json!({})),
                ]
            }
            Action::UsePrivateFollowups => {
                let one = self.ticket("received");
                let body = json!({"visibility": "private", "body": "Es el switch."});
                let mut answers = vec![get(&format!("{one}/events")), get(&format!("{one}/escalations"))];
                let escalated = self.ticket("escalated");
                let path = format!("{escalated}/escalations");
                let escalation = self.desk.director().get(&path).items()[0]["id"].clone();
                answers.push(get(&format!("{path}/{}", escalation.as_str().unwrap())));
                let presence = format!("{one}/presence");
                answers.push(get(&presence));
                answers.push(self.me.put(&presence, json!({"activity": "viewing"})));
                answers.push(self.me.delete(&presence));
                // A requester can write only to their own tickets, whatever the visibility.
                if self.own || !self.me.email().starts_with("requester") {
                    answers.push(self.post(format!("{one}/followups"), body));
                }
                answers
            }
            Action::Classify => {
                let one = self.ticket("received");
                vec![self.post(format!("{one}/classification"), json!({"criticality": "low"}))]
            }
            Action::Assign => {
                let body = json!({"assignee_id": self.desk.technician().id()});
                vec![self.post(format!("{}/assignment", self.ticket("classified")), body)]
            }
            Action::Escalate => {
                let one = self.ticket("in_progress");
                vec![self.post(format!("{one}/escalations"), json!({"reason": "Es de la red."}))]
            }
            Action::Return => {
                let one = self.ticket("escalated");
                vec![self.post(format!("{one}/return"), json!({"reason": "La red ya funciona."}))]
            }
            Action::Hold => {
                let (running, held) = (self.ticket("in_progress"), self.ticket("on_hold"));
                vec![
                    self.post(format!("{running}/hold"), json!({"reason": "Falta un repuesto."})),
                    self.post(format!("{held}/resumption"), json!({})),
                    self.post(
                        format!("{}/information-request", self.ticket("received")),
                        json!({"missing": "¿Cuál es la placa?"}),
                    ),
                ]
            }
            Action::Archive => {
                vec![
                    self.post(format!("{}/archive", self.ticket("received")), json!({"reason": "withdrawn"})),
                ]
            }
            Action::Resubmit => {
                vec![self.post(format!("{}/resubmission", self.ticket("archived")), json!({}))]
            }
            Action::Relate => {
                let (one, other) = (self.ticket("received"), self.ticket("received"));
                let other = other.rsplit('/').next().unwrap().parse::<i64>().unwrap();
                let body = |kind: &str| json!({"kind": kind, "ticket_id": other});
                let (watcher, known) =
                    (self.desk.another(Role::Requester), self.desk.another(Role::Requester));
                let watched = format!("{one}/watchers");
                self.desk.director().post(&watched, json!({"user_id": known.id()})).created();
                let made =
                    self.desk.director().post(&format!("{one}/relations"), body("caused_by")).created();
                vec![
                    self.post(format!("{one}/relations"), body("parent_of")),
                    self.me.delete(&format!("{one}/relations/{}", made["id"].as_str().unwrap())),
                    get(&format!("{one}/watchers")),
                    self.post(format!("{one}/watchers"), json!({"user_id": watcher.id()})),
                    get(&format!("{one}/watchers/{}", known.id())),
                    self.me.delete(&format!("{one}/watchers/{}", known.id())),
                    self.post(
                        format!("{one}/merge"),
                        json!({"into_ticket_id": other, "confirm_other_requester": true}),
                    ),
                ]
            }
            Action::Accept => vec![self.post(format!("{}/acceptance", self.assigned("assigned")), soon())],
            Action::Reschedule => {
                let mut body = soon();
                body["reason"] = json!("El repuesto llega más tarde.");
                vec![self.post(format!("{}/rescheduling", self.assigned("in_progress")), body)]
            }
            Action::Solve => {
                let body = json!({"description": "Se cambió el cable."});
                vec![self.post(format!("{}/solution", self.assigned("in_progress")), body)]
            }
            Action::Close => vec![self.post(format!("{}/closure", self.ticket("solved")), json!({}))],
            Action::Reopen => vec![self.post(format!("{}/reopening", self.ticket("solved")), json!({}))],
            Action::ReadArticles => {
                let one = self.article();
                vec![get(&one), get(&format!("{one}/attachments"))]
            }
            Action::WriteArticles => {
                let one = self.article();
                vec![
                    self.post("/kb/articles".into(), article("public", "published")),
                    self.me.patch(&one, json!({"title": "Otro nombre"})),
                    self.me.upload(&format!("{one}/attachments"), "guía.txt", "pasos"),
                    get(&format!("{one}/revisions")),
                    get(&format!("{one}/revisions/1")),
                ]
            }
            Action::AnswerSurvey => {
                let one = self.ticket("solved");
                vec![self.post(format!("{one}/survey"), ratings())]
            }
            Action::ReadSurveyAnswers => {
                let mut answers = vec![get("/surveys")];
                if !self.me.email().starts_with("requester") {
                    let one = format!("{}/survey", self.ticket("solved"));
                    let survey = self.desk.director().get(&one).ok()["id"].clone();
                    answers.extend([get(&one), get(&format!("/surveys/{}", survey.as_str().unwrap()))]);
                }
                answers
            }
            Action::ReadStatistics => {
                vec![
                    get("/statistics?from_date=2026-01-01&through_date=2026-12-31"),
                    get("/reports/quarterly/2026/1?format=html"),
                    get("/reports/quarterly/2026/1/narrative"),
                ]
            }
            Action::WriteReports => {
                vec![self.me.patch("/reports/quarterly/2026/1/narrative", json!({"analysis": "Se cumplió."}))]
            }
            Action::ApproveReports => vec![self.post("/reports/quarterly/2025/4/approval".into(), json!({}))],
            Action::ReadRecords => {
                let (action, risk) = (self.improvement_action("draft"), self.risk("draft"));
                let followups = format!("{action}/followups");
                let followup = self.desk.director().post(&followups, json!({"body": "Va bien."})).created();
                let followup = format!("{followups}/{}", followup["id"].as_str().unwrap());
                vec![
                    get("/improvement-actions"),
                    get(&action),
                    get(&format!("{action}/followups")),
                    get(&followup),
                    get(&format!("{action}/attachments")),
                    get("/risks"),
                    get(&risk),
                    get("/risks/matrix"),
                    get("/risks/matrix?format=svg"),
                    get("/indicators"),
                    get(&self.desk.indicator("satisfaction")),
                    get(&format!("{}/measurements", self.desk.indicator("satisfaction"))),
                    get(&self.measured("satisfaction")),
                    get("/meeting-minutes"),
                    get(&self.minutes()),
                    get("/improvement-actions?format=html"),
                    get(&format!("{action}?format=pdf")),
                    get("/risks?format=pdf"),
                    get(&format!("{risk}?format=xlsx")),
                    get(&format!("{risk}/attachments")),
                    get("/indicators?format=xlsx"),
                    get(&format!("{}?format=html", self.desk.indicator("satisfaction"))),
                    get(&format!("{}/attachments", self.desk.indicator("satisfaction"))),
                    get("/meeting-minutes?format=pdf"),
                    get(&format!("{}/attachments", self.minutes())),
                ]
            }
            Action::WriteRecords => self.write_records(),
            Action::ApproveRecords => {
                let measured = self.measured(if self.own { "satisfaction" } else { "timely_solution" });
                vec![
                    self.post(format!("{}/signature", self.minutes()), json!({})),
                    self.post(format!("{measured}/approval"), json!({})),
                ]
            }
            Action::ReadCatalogs => {
                let unit = get("/units").items()[0]["id"].clone();
                let category = get("/categories").items()[0]["id"].clone();
                let calendar = get("/calendars").items()[0]["id"].clone();
                let calendar = format!("/calendars/{}", calendar.as_str().unwrap());
                let question = get("/survey-questions").items()[0]["id"].clone();
                vec![
                    get(&format!("/survey-questions/{}", question.as_str().unwrap())),
                    get(&calendar),
                    get(&format!("{calendar}/due?within_minutes=60")),
                    self.post(
                        "/attention-reckonings".into(),
                        json!({"starts_at": "2026-11-23T15:00:00Z", "within_minutes": 60}),
                    ),
                    get(&format!("/units/{}", unit.as_str().unwrap())),
                    get(&format!("/categories/{}", category.as_str().unwrap())),
                    get("/desk"),
                    get("/attention-times"),
                    get("/attention-times/low"),
                ]
            }
            Action::ReadUsers => {
                let one = format!("/users/{}", self.desk.director().id());
                let absence = self.desk.director().post(&format!("{one}/absences"), absence()).created();
                vec![
                    get("/users"),
                    get(&one),
                    get(&format!("{one}/shifts")),
                    get(&format!("{one}/absences")),
                    get(&format!("/absences/{}", absence["id"].as_str().unwrap())),
                    get("/absences"),
                    get("/availability"),
                ]
            }
            Action::Manage => self.manage(),
            Action::CompleteRequesters => {
                let one = format!("/users/{}", self.desk.another(Role::Requester).id());
                let known = json!({"document_id": "1.036.111", "contact": {"mobile": "3009998877"}});
                vec![self.me.patch(&one, known)]
            }
            Action::SubmitInboundEmails => {
                let mail = format!("From: {}\n\nhola", self.me.email());
                vec![self.me.raw("POST", "/inbound-emails", "message/rfc822", mail)]
            }
            Action::UseInboundEmails => {
                let mail = format!("Subject: sin autor\nMessage-ID: <{}@x>\n\nx", self.me.id());
                let kept = self.desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).json();
                let one = format!("/inbound-emails/{}", kept["id"].as_str().unwrap());
                vec![
                    get("/inbound-emails"),
                    get(&one),
                    get(&format!("{one}/raw")),
                    self.post(format!("{one}/processing"), json!({})),
                ]
            }
            Action::UseOutbox => {
                let one = self.ticket("received");
                self.desk.database.run("UPDATE messages SET status = 'failed', last_error = 'no'");
                let one = format!("/messages?ticket_id={}", one.rsplit('/').next().unwrap());
                let id = self.desk.director().get(&one).items()[0]["id"].as_str().unwrap().to_owned();
                vec![
                    get("/messages"),
                    get(&format!("/messages/{id}")),
                    self.post(format!("/messages/{id}/retry"), json!({})),
                ]
            }
            Action::VerifyAudit => {
                vec![get("/audit/verification"), get("/audit/heads"), get("/audit/key")]
            }
            Action::ReadAccessAudit => {
                vec![
                    get("/audit/profiles?from_date=2026-01-01&through_date=2026-12-31"),
                    get("/audit/access-grants"),
                    get(&format!("/audit/access-grants/{}", access_grant(self.desk))),
                ]
            }
            Action::RevokeAccess => {
                let one = format!("/audit/access-grants/{}", access_grant(self.desk));
                vec![self.post(format!("{one}/revocation"), json!({}))]
            }
            Action::ReadAuditLog => {
                let one = self.desk.director().get("/audit/log?limit=1").items()[0]["id"].clone();
                vec![get("/audit/log"), get(&format!("/audit/log/{}", one.as_str().unwrap()))]
            }
            Action::ReadRetentionRules => {
                vec![get("/retention-rules"), get("/retention-rules/surveys")]
            }
            Action::ManageRetention => {
                let person = self.desk.another(Role::Requester);
                vec![
                    self.me.patch("/retention-rules/surveys", json!({"retention_months": 36})),
                    get("/retention-runs"),
                    get(&format!("/users/{}/anonymization-preview", person.id())),
                    self.post(
                        format!("/users/{}/anonymization", person.id()),
                        json!({"reason": "Ley 1581 de 2012"}),
                    ),
                ]
            }
            Action::ReadPersonalData => {
                let demo = self.desk.requester();
                let id = if self.own { self.me.id() } else { demo.id() };
                vec![get(&format!("/users/{id}/personal-data"))]
            }
            Action::UseOwnKeys => {
                let new = self.me.post("/me/keys", json!({"current_password": PASSWORD}));
                // A service account may not do this and has no password.
                let Some(id) = new.json()["id"].as_str().map(str::to_owned) else {
                    return vec![new, get("/me/keys")];
                };
                vec![new, get("/me/keys"), self.me.delete(&format!("/me/keys/{id}"))]
            }
            Action::ManageServiceAccounts => {
                let new = json!({"name": "Inventario", "role": "technician", "scopes": ["read_ticket"]});
                let one = self.desk.director().post("/service-accounts", new.clone()).created();
                let one = format!("/service-accounts/{}", one["id"].as_str().unwrap());
                let keys = format!("{one}/keys");
                let key = self.desk.director().post(&keys, json!({})).created();
                vec![
                    self.post("/service-accounts".into(), new),
                    get("/service-accounts"),
                    get(&one),
                    self.me.patch(&one, json!({"name": "Otro nombre"})),
                    get(&keys),
                    self.post(keys.clone(), json!({})),
                    self.me.delete(&format!("{keys}/{}", key["id"].as_str().unwrap())),
                ]
            }
            Action::ReadSystem => vec![get("/system")],
            Action::ManageWebhooks => {
                let new = json!({"url": "https://erp.example.gov.co/mesa"});
                let created = self.me.post("/webhooks", new.clone());
                // A service account reads and changes its own only.
                let one = match created.json()["id"].as_str() {
                    Some(id) => format!("/webhooks/{id}"),
                    None => format!(
                        "/webhooks/{}",
                        self.desk.director().post("/webhooks", new).created()["id"].as_str().unwrap()
                    ),
                };
                vec![
                    created,
                    get("/webhooks"),
                    get(&one),
                    self.me.patch(&one, json!({"event_types": ["co.mesa.ticket.*"]})),
                    self.post(format!("{one}/secret-rotation"), json!({})),
                    self.post(format!("{one}/test"), json!({})),
                    self.post(format!("{one}/replays"), json!({})),
                    get(&format!("{one}/deliveries")),
                    self.me.delete(&one),
                ]
            }
        }
    }

    /// An improvement action with this status, owned by `me` or by another person.
    fn improvement_action(&self, status: &str) -> String {
        let demo = self.desk.professional();
        // A requester cannot own one.
        let mine = self.own && !self.me.email().starts_with("requester");
        let body = improvement_action(if mine { self.me.id() } else { demo.id() }, status);
        let action = self.desk.director().post("/improvement-actions", body).created();
        format!("/improvement-actions/{}", action["id"].as_str().unwrap())
    }

    fn risk(&self, status: &str) -> String {
        let risk = self.desk.director().post("/risks", risk(self.desk.professional().id(), status)).created();
        format!("/risks/{}", risk["id"].as_str().unwrap())
    }

    /// The path of a measurement of the indicator with this measure, with an analysis.
    fn measured(&self, measure: &str) -> String {
        let path = format!("{}/measurements", self.desk.indicator(measure));
        let measured = self.desk.director().post(&path, json!({"year": 2026, "quarter": 1})).json();
        let one = format!("/measurements/{}", measured["id"].as_str().unwrap());
        self.desk.director().patch(&one, json!({"analysis": "Va bien."})).ok();
        one
    }

    fn minutes(&self) -> String {
        let minutes = minutes(self.desk.professional().id());
        let written = self.desk.director().post("/meeting-minutes", minutes).created();
        format!("/meeting-minutes/{}", written["id"].as_str().unwrap())
    }

    /// Own resources: drafts, and actions that the caller owns. Minutes are drafts until they are signed.
    fn write_records(&self) -> Vec<Answer> {
        let owner = self.desk.professional();
        let (stage, risk_stage) = if self.own { ("draft", "draft") } else { ("open", "active") };
        let (written, open) = (self.improvement_action(stage), self.improvement_action("open"));
        let mut answers = vec![
            self.post("/improvement-actions".into(), improvement_action(owner.id(), stage)),
            self.me.patch(&written, json!({"cause": "Falta personal."})),
            self.post(format!("{open}/followups"), json!({"body": "Va bien.", "progress": 50})),
            self.me.upload(&format!("{open}/attachments"), "acta.txt", "acta"),
            self.post(format!("{open}/completion"), json!({"note": "Hecho."})),
            self.post("/risks".into(), risk(owner.id(), risk_stage)),
            self.me.patch(&self.risk(risk_stage), json!({"probability": 4})),
            self.post("/indicators".into(), indicator(risk_stage)),
            self.me.upload(&format!("{}/attachments", self.risk(risk_stage)), "firmado.txt", "firmas"),
        ];
        let active = self.desk.indicator("timely_solution");
        if !self.own {
            answers.push(self.me.patch(&active, json!({"target": 95})));
        }
        if self.own {
            answers.extend([
                self.post("/meeting-minutes".into(), minutes(owner.id())),
                self.me.patch(&self.minutes(), json!({"place": "Auditorio"})),
                self.me.upload(&format!("{}/attachments", self.minutes()), "firmada.txt", "firmas"),
                self.me.upload(&format!("{active}/attachments"), "firmado.txt", "firmas"),
                self.post(
                    format!("{}/measurements", self.desk.indicator("satisfaction")),
                    json!({"year": 2025, "quarter": 4}),
                ),
                self.me.patch(&self.measured("satisfaction"), json!({"analysis": "Va mejor."})),
            ]);
        }
        answers
    }

    /// Own resources: those at or below the role of the caller. Those of a higher role belong to another person.
    fn manage(&self) -> Vec<Answer> {
        let (role, account) = if self.own {
            ("technician", self.desk.another(Role::Technician))
        } else {
            ("director", self.desk.another(Role::Director))
        };
        let one = format!("/users/{}", account.id());
        let planned = self.desk.director().post(&format!("{one}/absences"), absence()).created();
        let planned = format!("/absences/{}", planned["id"].as_str().unwrap());
        let week = json!({"shifts": [{"weekday": 1, "start_time": "08:00", "end_time": "17:00"}]});
        let email = format!("nueva-{}", account.email());
        let new = json!({"email": email, "password": "una-clave-larga", "role": role, "full_name": "Nueva"});
        let mut answers = vec![
            self.post("/users".into(), new),
            self.me.patch(&one, json!({"full_name": "Otro nombre"})),
            self.me.put(&format!("{one}/shifts"), week),
            self.post(format!("{one}/absences"), absence()),
            self.me.patch(&planned, json!({"kind": "course"})),
            self.me.delete(&planned),
            self.post(format!("{one}/handover"), json!({"reason": "Sale a vacaciones."})),
        ];
        if self.own || self.me.email().starts_with("director") {
            let unit =
                self.desk.director().post("/units", json!({"name": format!("Unidad {email}")})).created();
            let category =
                self.desk.director().post("/categories", json!({"name": format!("De {email}")})).created();
            let calendar = json!({"name": format!("De {email}"), "opening_hours": "Mo-Fr 08:00-18:00"});
            let calendar = self.desk.director().post("/calendars", calendar).created();
            let question = self.desk.director().get("/survey-questions").items()[0]["id"].clone();
            let key = if self.own { "own" } else { "anothers" };
            let text = json!({"es": "¿Fue claro?", "en": "Was it clear?"});
            answers.extend([
                self.post("/survey-questions".into(), json!({"key": key, "wording": text, "position": 50})),
                self.me.patch(
                    &format!("/survey-questions/{}", question.as_str().unwrap()),
                    json!({"position": 2}),
                ),
                self.post(
                    "/calendars".into(),
                    json!({"name": format!("Otro {email}"), "opening_hours": "24/7"}),
                ),
                self.me.patch(
                    &format!("/calendars/{}", calendar["id"].as_str().unwrap()),
                    json!({"opening_hours": "Mo-Fr 07:00-17:00"}),
                ),
                self.post("/attention-times/application".into(), json!({})),
                self.post("/units".into(), json!({"name": format!("Otra {email}")})),
                self.post("/categories".into(), json!({"name": format!("Otra {email}")})),
                self.me.patch(&format!("/units/{}", unit["id"].as_str().unwrap()), json!({"active": false})),
                self.me.patch(
                    &format!("/categories/{}", category["id"].as_str().unwrap()),
                    json!({"active": false}),
                ),
                self.me.patch("/attention-times/low", json!({"within_minutes": 1080})),
            ]);
        }
        answers
    }
}

fn article(visibility: &str, status: &str) -> Value {
    json!({
        "title": "Impresora sin respuesta", "incident": "No imprime.", "resolution": "Se reinició.",
        "steps": ["Reiniciarla"], "visibility": visibility, "status": status,
    })
}

fn absence() -> Value {
    json!({"kind": "holiday", "starts_at": "2030-01-07T13:00:00Z", "ends_at": "2030-01-21T13:00:00Z"})
}

fn ratings() -> Value {
    json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}})
}
