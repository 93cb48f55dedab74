//! The data that Mesa holds about a person: export and anonymization.

use diesel::RunQueryDsl;
use diesel::prelude::*;
use diesel::sql_types::Text;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::soon;
use crate::harness::{Client, Desk};
use crate::retention::assert_same;

const NAME: &str = "Zoraida Quiñones Maturana";
const EMAIL: &str = "zoraida.quinones@mesa.test";
/// In several spellings.
const TRACES: [&str; 7] =
    ["Zoraida", "Quiñones", "QUIÑONES", "quinones", "1036999888", "1.036.999.888", "3117778899"];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
}

/// Every text value in the database that contains one of these words, with its table and column.
fn found(desk: &Desk, words: &[&str]) -> Vec<String> {
    desk.database.ask(|db| {
        let columns: Vec<Column> = diesel::sql_query(
            "SELECT table_name::text AS \"table\", column_name::text AS \"column\" FROM information_schema.columns \
             WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'json', 'ARRAY', 'tsvector', 'character varying') \
             ORDER BY 1, 2",
        )
        .load(db)
        .unwrap();
        let mut places = Vec::new();
        for Column { table, column } in columns {
            for word in words {
                let found: Vec<Column> = diesel::sql_query(format!(
                    "SELECT '{table}' AS \"table\", \"{column}\"::text AS \"column\" FROM \"{table}\" \
                     WHERE \"{column}\"::text ILIKE '%{word}%'"
                ))
                .load(db)
                .unwrap();
                places.extend(found.iter().map(|found| format!("{table}.{column}: {}", found.column)));
            }
        }
        places
    })
}

/// A requester with all personal data.
fn zoraida(desk: &Desk) -> Client {
    let client = desk.another(Role::Requester);
    desk.database.run(&format!(
        "UPDATE users SET full_name = '{NAME}', email = '{EMAIL}', document_id = '1036999888', mobile = '3117778899' \
         WHERE id = '{}'",
        client.id()
    ));
    client
}

/// A request with this reason that confirms all terms of the preview.
fn confirming_all(desk: &Desk, person: &Client, reason: &str) -> Value {
    let preview = desk.director().get(&format!("/users/{}/anonymization-preview", person.id())).ok();
    let terms: Vec<&Value> = preview["terms"].as_array().unwrap().iter().map(|term| &term["id"]).collect();
    json!({"reason": reason, "term_ids": terms})
}

/// Creates a ticket of hers with her name and numbers in every field that accepts text. Returns its number.
fn ticket(desk: &Desk, her: &Client) -> Value {
    let staff = desk.technician();
    let body = json!({"subject": format!("Sin red en el puesto de {NAME}"),
        "description": "Soy zoraida  quinones maturana, cédula 1.036.999.888."});
    let id = her.post("/tickets", body).created()["id"].clone();
    let one = format!("/tickets/{id}");
    her.patch(&one, json!({"description": format!("Soy {NAME}, cédula 1036999888, celular 3117778899.")}))
        .ok();
    her.upload(&format!("{one}/attachments"), "cedula_Zoraida_Quinones_Maturana.txt", "1036999888").created();
    her.post(
        &format!("{one}/followups"),
        json!({"visibility": "public", "body": format!("Escriban a {EMAIL}")}),
    )
    .created();
    let post = |step: &str, body: Value| {
        let answer = staff.post(&format!("{one}/{step}"), body);
        assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.request, answer.text());
    };
    post("classification", json!({"criticality": "medium"}));
    post("assignment", json!({"assignee_id": staff.id()}));
    post("acceptance", soon());
    post("followups", json!({"visibility": "private", "body": "Llamé a Zoraida Quiñones Maturana."}));
    post("hold", json!({"reason": "ZORAIDA QUIÑONES MATURANA no está."}));
    post("resumption", json!({}));
    staff.upload(&format!("{one}/attachments"), "Zoraida Quiñones Maturana.txt", "de la mesa").created();
    post("solution", json!({"description": format!("Se cambió el cable de {NAME}.")}));
    let ratings = json!({"overall": 5, "timeliness": 4, "courtesy": 5, "solution": 5});
    her.post(&format!("{one}/survey"), json!({"ratings": ratings, "comment": "Soy Zoraida."})).created();
    let article = json!({"title": "Cable", "incident": format!("El de {NAME}"), "resolution": "Otro cable",
        "steps": ["Llamar al 3117778899"], "ticket_id": id});
    staff.post("/kb/articles", article).created();
    post("closure", json!({}));
    id
}

#[test]
fn anonymization_removes_every_trace_and_keeps_the_history_valid() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let her = zoraida(&desk);
    let other = desk.ticket_in("closed");
    let id = ticket(&desk, &her);
    let director = desk.director();
    let mail = format!(
        "From: {NAME} <{EMAIL}>\nMessage-ID: <zoraida.quinones@mesa.test>\nSubject: {NAME}\n\nYa no hace falta."
    );
    let email = director.raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    assert_eq!(email["status"], "processed");
    director.post(&format!("/tickets/{}/archive", email["ticket_id"]), json!({"reason": "withdrawn"})).ok();
    desk.send_mail();
    let sent =
        format!("SELECT count(*) FROM messages WHERE recipient_id = '{}' AND status = 'sent'", her.id());
    assert!(desk.database.count(&sent) > 3);
    desk.nobody().post("/auth/login", json!({"email": EMAIL, "password": "no-es-esta-clave"}));
    let attempts = format!(
        "SELECT count(*) FROM sign_in_attempts \
         WHERE account_hash = sha256(convert_to(lower('{EMAIL}'), 'UTF8') || '\\x00'::bytea)"
    );
    assert!(desk.database.count(&attempts) > 0);
    desk.database.run(&format!(
        "INSERT INTO ticket_watchers SELECT 1, '{0}', now(), '{0}', 'duplicate_merged'",
        her.id()
    ));
    assert!(found(&desk, &TRACES).len() > 20);
    let figures = |desk: &Desk| {
        let today = chrono::Utc::now().date_naive();
        desk.director()
            .get(&format!("/statistics?from_date=2026-01-01&through_date={today}&interval=month"))
            .ok()
    };
    let before = figures(&desk);
    let redactable = director.get(&format!("/tickets/{id}/events?limit=200")).items();
    assert!(redactable.iter().all(|event| event["redacted"] == false));

    let one = format!("/users/{}/anonymization", her.id());
    let reason = confirming_all(&desk, &her, &format!("Solicitud de {NAME}, Ley 1581 de 2012"));
    let done = director.post(&one, reason.clone()).ok();
    assert_eq!(
        (&done["ticket_count"], &done["reason"]),
        (&json!(2), &json!("Solicitud de […], Ley 1581 de 2012"))
    );
    assert!(done["redacted_event_count"].as_i64().unwrap() >= 5, "{done}");
    assert_eq!(done["left_place_count"], 0);
    assert_eq!(found(&desk, &TRACES), Vec::<String>::new());
    assert_eq!(desk.database.count(&attempts), 0);

    // Repeating it changes nothing.
    let prints = desk.database.fingerprint();
    assert_eq!(director.post(&one, reason).ok(), done);
    assert_eq!(desk.database.fingerprint(), prints);

    let verified = director.get("/audit/verification").ok();
    let of_account = desk.database.count("SELECT count(*) FROM audit_events WHERE data_salt IS NULL");
    let redacted = done["redacted_event_count"].as_i64().unwrap() + of_account;
    assert!(of_account > 0);
    assert_eq!((&verified["whole"], &verified["redacted_event_count"]), (&json!(true), &json!(redacted)));
    assert_same(&before, &figures(&desk), "");
    let ticket = director.get(&format!("/tickets/{id}")).ok();
    assert_eq!(ticket["subject"], "Sin red en el puesto de […]");
    assert_eq!(ticket["requester"]["full_name"], "Persona anonimizada");
    let events = director.get(&format!("/tickets/{id}/events?limit=200")).items();
    assert_eq!(events.last().unwrap()["kind"], "anonymized");
    assert_eq!(
        events[..redactable.len()].iter().map(|event| &event["hash"]).collect::<Vec<_>>(),
        redactable.iter().map(|event| &event["hash"]).collect::<Vec<_>>()
    );
    assert_eq!(director.get("/tickets?q=Zoraida").items(), Vec::<Value>::new());
    // Her files are deleted; the file of a member of staff stays under a redacted name. The data of other people is
    // unchanged.
    let files = director.get(&format!("/tickets/{id}/attachments")).items();
    assert_eq!(files.iter().map(|file| &file["file_name"]).collect::<Vec<_>>(), ["[…].txt"]);
    assert_eq!(
        desk.database.count(
            "SELECT count(*) FROM removed_files r WHERE NOT EXISTS \
             (SELECT FROM attachments a WHERE a.storage_key = r.storage_key)"
        ),
        2
    );
    assert_eq!(director.get(&other).ok()["requester"]["email"], "requester@mesa.test");
    her.get("/me").problem(401, "unauthenticated");
    let user = director.get(&format!("/users/{}", her.id())).ok();
    assert_eq!(
        (&user["active"], &user["can_sign_in"], &user["document_id"]),
        (&json!(false), &json!(false), &json!(null))
    );
}

#[test]
fn staff_and_people_with_open_tickets_cannot_be_anonymized() {
    let desk = Desk::open();
    let her = zoraida(&desk);
    let director = desk.director();
    let reason = json!({"reason": "Ley 1581 de 2012"});
    let of = |client: &Client| format!("/users/{}/anonymization", client.id());
    director.post(&of(&desk.technician()), reason.clone()).problem(409, "not_a_requester");
    her.register("Sin red");
    director.post(&of(&her), reason.clone()).problem(409, "has_open_tickets");
    for client in [&her, &desk.technician(), &desk.professional()] {
        client.post(&of(&her), reason.clone()).problem(403, "forbidden");
    }
    director.post(&format!("/users/{}/anonymization", uuid::Uuid::nil()), reason).problem(404, "not_found");
    assert_eq!(her.get("/me").ok()["full_name"], NAME);
}

#[test]
fn the_history_can_be_changed_only_by_an_anonymization() {
    let desk = Desk::open();
    let her = zoraida(&desk);
    ticket(&desk, &her);
    let redact =
        "UPDATE events SET data = '{\"changes\": [], \"details\": {}}', data_salt = NULL WHERE seq = 2";
    let reword = "UPDATE followups SET body = 'x'";
    let unsay = "UPDATE surveys SET comment = NULL";
    let refused = |sql: &str| diesel::sql_query(sql).execute(&mut desk.database.connect()).is_err();
    assert!(refused(redact) && refused(reword) && refused(unsay));
    desk.director()
        .post(&format!("/users/{}/anonymization", her.id()), json!({"reason": "Ley 1581 de 2012"}))
        .ok();
    assert!(refused(redact) && refused(reword), "rejected afterwards too");
    assert!(refused("DELETE FROM anonymizations") && refused("UPDATE anonymizations SET reason = 'x'"));

    // The verification finds events that are marked as redacted without an anonymized requester, and events that do
    // not match their hash.
    let tamper = |sql: &str| desk.database.run(&format!("SET session_replication_role = replica; {sql}"));
    let one = desk.ticket_in("received");
    tamper(&format!(
        "UPDATE events SET data_salt = NULL WHERE ticket_id = {}",
        one.rsplit('/').next().unwrap()
    ));
    let broken = desk.director().get("/audit/verification").ok()["broken"].clone();
    assert_eq!(broken, json!([{"ticket_id": 2, "seq": 1, "reason": "hash"}]));
    tamper("UPDATE events SET kind = 'closed' WHERE ticket_id = 1 AND seq = 2");
    let broken = desk.director().get("/audit/verification?ticket_id=1").ok()["broken"].clone();
    assert_eq!(broken, json!([{"ticket_id": 1, "seq": 2, "reason": "hash"}]));
}

#[test]
fn people_can_export_their_own_data_and_no_one_elses() {
    let desk = Desk::open();
    let her = zoraida(&desk);
    desk.ticket_in("solved");
    let id = ticket(&desk, &her);
    let mail = format!("From: {EMAIL}\nSubject: Otra vez\n\nSin red.");
    desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let path = format!("/users/{}/personal-data", her.id());
    let own = her.get(&path).ok();
    assert_eq!((&own["account"]["email"], &own["anonymization"]), (&json!(EMAIL), &json!(null)));
    let count = |list: &str| own[list].as_array().unwrap().len();
    let lists = ["tickets", "followups", "attachments", "surveys", "messages", "inbound_emails"];
    assert!(lists.iter().all(|list| count(list) > 0), "{own}");
    assert_eq!((count("tickets"), &own["tickets"][0]["id"]), (2, &id));
    assert_eq!(own["surveys"][0]["comment"], "Soy Zoraida.");
    assert!(own["tickets"].as_array().unwrap().iter().all(|one| one["requester"]["id"] == her.id()));
    assert!(own["messages"].as_array().unwrap().iter().all(|one| one["recipient"]["id"] == her.id()));
    assert!(own["followups"].as_array().unwrap().iter().all(|one| one["visibility"] == "public"));
    assert!(!own.to_string().contains("requester@mesa.test"));

    // More followups than one batch.
    desk.database.run(&format!(
        "INSERT INTO followups (id, ticket_id, author_id, visibility, body, created_at) \
         SELECT gen_random_uuid(), {id}, '{}', 'public', 'x', now() FROM generate_series(1, 450)",
        her.id()
    ));
    let whole = desk.director().get(&path).ok();
    assert_eq!(whole["followups"].as_array().unwrap().len(), count("followups") + 450);
    for list in lists.iter().filter(|list| **list != "followups") {
        // The steps are those of the reader.
        let entries = |all: &Value| -> Vec<Value> {
            let mut entries = all[*list].as_array().unwrap().clone();
            entries.iter_mut().for_each(|entry| _ = entry.as_object_mut().unwrap().remove("allowed_steps"));
            entries
        };
        assert_eq!(entries(&whole), entries(&own));
    }
    for client in [desk.requester(), desk.technician(), desk.professional()] {
        client.get(&path).problem(404, "not_found");
        client.get(&format!("/users/{}/personal-data", client.id())).ok();
    }
    desk.director().get(&format!("/users/{}/personal-data", uuid::Uuid::nil())).problem(404, "not_found");
}

#[test]
fn mail_from_a_reassigned_address_belongs_to_its_new_owner() {
    let desk = Desk::open();
    let (before, now, director) =
        (desk.another(Role::Requester), desk.another(Role::Requester), desk.director());
    let address = before.email().to_owned();
    director.patch(&format!("/users/{}", before.id()), json!({"email": "caja.anterior@mesa.test"})).ok();
    director.patch(&format!("/users/{}", now.id()), json!({"email": address})).ok();
    let mail = format!(
        "From: {address}\nMessage-ID: <caja@mesa.test>\nSubject: Asunto privado\n\nEs de otra persona."
    );
    let email = director.raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let export = director.get(&format!("/users/{}/personal-data", before.id()));
    assert_eq!(export.header("cache-control"), "no-store");
    let export = export.text();
    assert!(!export.contains("Asunto privado"), "{export}");
    assert!(director.get(&format!("/users/{}/personal-data", now.id())).text().contains("Asunto privado"));
    director.post(&format!("/users/{}/anonymization", before.id()), json!({"reason": "Ley 1581"})).ok();
    director.get(&format!("/inbound-emails/{}", email["id"].as_str().unwrap())).ok();
}

#[test]
fn former_staff_cannot_be_anonymized_and_anonymization_is_final() {
    let desk = Desk::open();
    let (staff, director) = (desk.another(Role::Technician), desk.director());
    let one = desk.ticket_in("received");
    let file = staff.upload(&format!("{one}/attachments"), "evidencia.txt", "x").created();
    let account = format!("/users/{}", staff.id());
    director.patch(&account, json!({"role": "requester"})).ok();
    let reason = json!({"reason": "Ley 1581"});
    director.post(&format!("{account}/anonymization"), reason.clone()).problem(409, "not_a_requester");
    director.get(&format!("/attachments/{}", file["id"].as_str().unwrap())).ok();

    let person = desk.another(Role::Requester);
    let account = format!("/users/{}", person.id());
    director.post(&format!("{account}/anonymization"), reason).ok();
    let again = json!({"active": true, "full_name": "Otra vez"});
    director.patch(&account, again).problem(409, "wrong_state");
}

#[test]
fn other_spellings_are_redacted_and_a_retry_returns_no_personal_data() {
    let desk = Desk::open();
    let (her, staff) = (zoraida(&desk), desk.technician());
    let words = "QUIÑONES MATURANA, ZORAIDA; Zoraida Quinones; cel +57 311 777 88 99 o (311) 7778899; ZORAIDA_QUINONES,  Maturana";
    let new = json!({"subject": "Sin red", "description": words, "requester_id": her.id()});
    let keyed = staff.with("idempotency-key", "registro-1");
    let ticket = keyed.post("/tickets", new.clone()).created();
    let one = format!("/tickets/{}", ticket["id"]);
    staff.post(&format!("{one}/archive"), json!({"reason": "duplicate"})).ok();
    let done = confirming_all(&desk, &her, "Ley 1581");
    desk.director().post(&format!("/users/{}/anonymization", her.id()), done).ok();
    // Numbers are redacted in every grouping, a name only as a whole.
    let left = staff.get(&one).ok()["description"].as_str().unwrap().to_owned();
    assert_eq!(left, "QUIÑONES MATURANA, ZORAIDA; Zoraida Quinones; cel […] o ([…]; […]");
    let again = keyed.post("/tickets", new);
    assert_eq!(again.status, 422, "{}", again.text());
}
