//! Migrations in both directions, with data, and the constraints of the database.

use diesel::migration::Migration;
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use mesa::db::migrations::{self, MIGRATIONS};
use serde_json::json;

use crate::harness::states::{improvement_action, minutes, risk};
use crate::harness::{Database, Desk};

/// A description of every column, index, constraint, trigger, function and search configuration.
fn schema(database: &Database) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let lines: Vec<Line> = diesel::sql_query(
        "SELECT line FROM ( \
             SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line \
             FROM information_schema.columns WHERE table_schema = 'public' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
             UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint \
                       WHERE connamespace = 'public'::regnamespace \
             UNION ALL SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal \
             UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc p \
                       WHERE pronamespace = 'public'::regnamespace \
             UNION ALL SELECT format('configuration %s', cfgname) FROM pg_ts_config \
                       WHERE cfgnamespace = 'public'::regnamespace) AS lines \
         WHERE line NOT LIKE '%__diesel_schema_migrations%' ORDER BY line",
    )
    .load(&mut database.connect())
    .unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

#[test]
fn migrations_can_be_applied_reverted_and_applied_again_with_data() {
    let desk = Desk::open();
    desk.ticket_in("solved");
    desk.ticket_in("on_hold");
    for state in ["received", "classified", "assigned", "in_progress", "escalated"] {
        let one = desk.ticket_in(state);
        let missing = json!({"missing": "¿Cuál es la placa?"});
        desk.technician().post(&format!("{one}/information-request"), missing).ok();
    }
    let archived = desk.ticket_in("archived");
    desk.requester().post(&format!("{archived}/resubmission"), json!({})).created();
    let escalated = desk.ticket_in("escalated");
    desk.technician().upload(&format!("{escalated}/attachments"), "nota.txt", "hola").created();
    let article =
        json!({"title": "Título", "incident": "Incidente", "resolution": "Solución", "ticket_id": 1});
    desk.technician().post("/kb/articles", article).created();
    let relation = json!({"kind": "parent_of", "ticket_id": 1});
    desk.technician().post(&format!("{escalated}/relations"), relation).created();
    desk.technician().post("/tickets/2/merge", json!({"into_ticket_id": 3})).ok();

    let ratings = json!({"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5});
    desk.requester().post("/tickets/1/survey", json!({"ratings": ratings})).created();
    desk.database.run(
        "UPDATE messages SET status = 'failed', last_error = 'no' WHERE kind = 'received'; \
         INSERT INTO survey_tokens (token_hash, survey_id, created_at, expires_at) \
         SELECT sha256('a-token'), id, now(), now() + interval '1 day' FROM surveys LIMIT 1",
    );

    let held = desk.director().post("/meeting-minutes", minutes(desk.technician().id())).created();
    desk.director()
        .with("if-match", "*")
        .post(&format!("/meeting-minutes/{}/signature", held["id"].as_str().unwrap()), json!({}))
        .ok();
    let mut action = improvement_action(desk.technician().id(), "open");
    action["origin"] = json!({"kind": "minutes", "minutes_id": held["id"]});
    let action = desk.director().post("/improvement-actions", action).created();
    let measured = format!("{}/measurements", desk.indicator("satisfaction"));
    let measured = desk.director().post(&measured, json!({"year": 2026, "quarter": 2})).created();
    let mut of_measured = improvement_action(desk.technician().id(), "draft");
    of_measured["origin"] = json!({"kind": "measurement", "measurement_id": measured["id"]});
    desk.director().post("/improvement-actions", of_measured).created();
    let action = format!("/improvement-actions/{}", action["id"].as_str().unwrap());
    desk.technician().post(&format!("{action}/followups"), json!({"body": "Va bien."})).created();
    desk.technician().upload(&format!("{action}/attachments"), "acta.txt", "acta").created();
    desk.director().post("/risks", risk(desk.technician().id(), "active")).created();
    desk.database.run(
        "INSERT INTO messages (id, improvement_action_id, kind, recipient_id, data, created_at) \
         SELECT gen_random_uuid(), id, 'action_overdue', owner_id, '{}', now() FROM improvement_actions",
    );

    // A user known only by their mail, a ticket with missing data, and one that continues another.
    let closed = desk.ticket_in("closed");
    let subject = format!("Re: [#{}] x", closed.rsplit('/').next().unwrap());
    for mail in [
        "From: vecino@barrio.example\nSubject: Alumbrado\n\nNo hay luz.".to_owned(),
        format!("From: requester@mesa.test\nSubject: {subject}\n\nVolvió a fallar."),
    ] {
        let email = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
        assert_eq!(email["status"], "processed");
    }

    let migrated = schema(&desk.database);
    let mut connection = desk.database.connect();
    let down = connection.revert_all_migrations(MIGRATIONS).unwrap().len();
    assert_eq!(schema(&desk.database), Vec::<String>::new(), "left after reverting all migrations");
    assert_eq!(migrations::apply(&mut connection).unwrap(), down);
    assert_eq!(schema(&desk.database), migrated);
    drop(desk);

    // One migration at a time.
    let database = Database::empty();
    let mut connection = database.connect();
    let mut steps = vec![schema(&database)];
    while connection.run_next_migration(MIGRATIONS).is_ok() {
        steps.push(schema(&database));
    }
    assert_eq!(steps.len(), down + 1);
    assert_eq!(steps.pop().unwrap(), migrated);
    while let Some(before) = steps.pop() {
        connection.revert_last_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(&database), before);
    }
}

#[test]
fn the_new_texts_of_the_survey_replace_the_old_ones_unless_they_were_edited() {
    const SURVEY_WORDS: &str = "20261129000900";
    let desk = Desk::open();
    let mut connection = desk.database.connect();
    let text = |key: &str| {
        let items = desk.director().get("/survey-questions").items();
        items.into_iter().find(|question| question["key"] == key).unwrap()["wording"].clone()
    };
    let (timeliness, changed) =
        (text("timeliness"), "SELECT count(*) FROM audit_events WHERE resource = 'survey_question'");
    assert_eq!(timeliness["es"], "¿Cómo califica la oportunidad de la atención?");
    assert_eq!(desk.database.count(changed), 0, "a new desk starts with these texts");
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= SURVEY_WORDS)
    {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    assert_eq!(text("timeliness")["es"], "¿Qué tan oportuna fue la atención?");
    desk.database.run("UPDATE survey_questions SET text_es = '¿Fue cortés?' WHERE key = 'courtesy'");
    migrations::apply(&mut connection).unwrap();
    assert_eq!(text("timeliness"), timeliness);
    assert_eq!(text("courtesy"), json!({"es": "¿Fue cortés?", "en": "How were you treated?"}));
    let recorded = "SELECT count(*) FROM audit_events WHERE resource = 'survey_question' AND data -> 'details' ->> 'version' = '3'";
    assert_eq!(desk.database.count(recorded), 2, "a change of a desk in use is recorded");
}

/// Names that looked different until now get different names.
#[test]
fn names_that_become_the_same_stay_apart() {
    const CLEAN_NAMES: &str = "20261129000402";
    let desk = Desk::open();
    let mut connection = desk.database.connect();
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= CLEAN_NAMES) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    desk.database.run(
        "INSERT INTO units (id, name) VALUES (gen_random_uuid(), 'Prueba '), (gen_random_uuid(), 'Prueba'), \
         (gen_random_uuid(), 'Prueba  '), (gen_random_uuid(), 'Prueba (2)')",
    );
    migrations::apply(&mut connection).unwrap();
    assert_eq!(
        desk.database.count("SELECT count(DISTINCT name_key) FROM units WHERE name LIKE 'Prueba%'"),
        4
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM units WHERE name = 'Prueba'"), 1);
}

/// Reverting fills missing data with placeholders; applying recognises users without a password again.
#[test]
fn data_created_by_mail_survives_reverting_the_mail_migration() {
    const INBOUND: &str = "20261124000007";
    let desk = Desk::open();
    let mail = "From: vecino@barrio.example\nSubject: Alumbrado\n\nNo hay luz.";
    let email = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let mut connection = desk.database.connect();
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= INBOUND) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    let lacking = "SELECT count(*) FROM tickets WHERE requester_document_id = '—' AND requester_extension = '—' \
                   AND requester_unit_name = 'Sin unidad administrativa'";
    assert_eq!(desk.database.count(lacking), 1);
    let a_hash =
        "SELECT count(*) FROM users WHERE email = 'vecino@barrio.example' AND length(password_hash) = 90";
    assert_eq!(desk.database.count(a_hash), 1, "a hash that no password matches");
    migrations::apply(&mut connection).unwrap();
    let ticket = desk.director().get(&format!("/tickets/{}", email["ticket_id"])).ok();
    let user = format!("/users/{}", ticket["requester"]["id"].as_str().unwrap());
    assert_eq!(desk.director().get(&user).ok()["can_sign_in"], false);
    assert_eq!(desk.director().get("/audit/verification").ok()["broken"], json!([]));
}

/// A migration from another branch is applied to a database that already has later ones.
#[test]
fn an_earlier_migration_is_applied_after_later_ones() {
    // The migration for inbound mail, and those that change its tables.
    const LATE: &[&str] = &[
        "20261124000007",
        "20261124000020",
        "20261124000050",
        "20261124000051",
        "20261128000100",
        "20261128000500",
        "20261128000703",
        "20261128000900",
        "20261128001000",
        "20261129000001",
        "20261129000101",
        "20261129000310",
        "20261129000320",
        "20261129000401",
        "20261129000500",
        "20261129000510",
        "20261129000520",
        "20261129000530",
        "20261129000601",
        "20261129000603",
        "20261129000605",
        "20261129000710",
        "20261129000802",
        "20261129000900",
        "20261129001000",
        "20261130005000",
        "20261129001100",
        "20261129002200",
        "20261129002300",
        "20261129002400",
        "20261130010200",
        "20261130010300",
        "20261130010500",
        "20261130030001",
        "20261130040001",
        "20261130060002",
        "20261130070001",
        "20261130070002",
        "20261130080001",
        "20261201000001",
        "20261201000002",
        "20261201000003",
        "20261201000004",
    ];
    let database = Database::empty();
    let mut connection = database.connect();
    for migration in connection.pending_migrations(MIGRATIONS).unwrap() {
        if !LATE.contains(&migration.name().version().to_string().as_str()) {
            connection.run_migration(&migration).unwrap();
        }
    }
    assert_eq!(migrations::apply(&mut connection).unwrap(), LATE.len());
    let in_order = Database::empty();
    migrations::apply(&mut in_order.connect()).unwrap();
    assert_eq!(schema(&database), schema(&in_order));
}

/// The migration recomputes the hashes of the history, and earlier tampering is still found afterwards.
#[test]
fn migrating_the_history_keeps_broken_links_detectable() {
    const CHAIN: &str = "20261124000005";
    let desk = Desk::open();
    for _ in 0..4 {
        desk.ticket_in("in_progress");
    }
    let mut connection = desk.database.connect();
    let before: i64 = desk.database.count("SELECT count(DISTINCT hash) FROM events");
    while connection.applied_migrations().unwrap().iter().any(|version| version.to_string().as_str() >= CHAIN)
    {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    // Verified as before the migration.
    let old = "SELECT count(*) FROM (SELECT e.hash = event_hash(e) AND e.previous_hash IS NOT DISTINCT FROM \
         lag(e.hash) OVER (PARTITION BY ticket_id ORDER BY seq) AS holds FROM events e) AS chains WHERE holds";
    assert_eq!(desk.database.count(old), before);
    desk.database.run(
        "SET session_replication_role = replica; \
         UPDATE events SET kind = 'closed' WHERE ticket_id = 1 AND seq = 2; \
         DELETE FROM events WHERE ticket_id = 2 AND seq = 3; \
         UPDATE events SET hash = sha256('x') WHERE ticket_id = 3 AND seq = 1",
    );
    migrations::apply(&mut connection).unwrap();
    let found = desk.director().get("/audit/verification").ok();
    let expected = json!([
        {"ticket_id": 1, "seq": 2, "reason": "hash"},
        {"ticket_id": 2, "seq": 4, "reason": "gap"},
        {"ticket_id": 3, "seq": 1, "reason": "hash"},
        {"ticket_id": 3, "seq": 2, "reason": "link"},
    ]);
    assert_eq!(found["broken"], expected);
}

#[test]
fn concurrent_starts_migrate_once() {
    let database = Database::empty();
    let applied: Vec<usize> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..4).map(|_| scope.spawn(|| mesa::server::migrate(&database.url).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let all = applied.iter().sum::<usize>();
    assert!(all > 0 && applied.iter().filter(|count| **count == all).count() == 1, "{applied:?}");
}

/// Statements that the database rejects, even without the server.
#[test]
fn the_database_enforces_its_constraints() {
    let desk = Desk::open();
    let solved = desk.ticket_in("solved");
    let id = solved.rsplit('/').next().unwrap();
    desk.requester()
        .post(
            &format!("{solved}/survey"),
            json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}}),
        )
        .created();
    let relation = json!({"kind": "parent_of", "ticket_id": desk.requester().register("Sin red")["id"]});
    desk.technician().post(&format!("{solved}/relations"), relation).created();
    let mail = "From: requester@mesa.test\nSubject: Sin red\n\nx";
    desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let refused = [
        "UPDATE events SET kind = 'closed'",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "UPDATE histories SET events = events - 1",
        "INSERT INTO histories (ticket_id, events, hash) VALUES (999, 1, 'x')",
        "DELETE FROM histories",
        "TRUNCATE histories",
        "UPDATE tickets SET reception_head_id = registered_by_id",
        "INSERT INTO ticket_relations (id, kind, ticket_id, related_id, created_by, created_at) \
         SELECT gen_random_uuid(), 'parent_of', id, id, registered_by_id, now() FROM tickets",
        "INSERT INTO ticket_relations (id, kind, ticket_id, related_id, created_by, created_at) \
         SELECT gen_random_uuid(), 'child_of', id, 2, registered_by_id, now() FROM tickets WHERE id = 1",
        "INSERT INTO ticket_relations (id, kind, ticket_id, related_id, created_by, created_at) \
         SELECT gen_random_uuid(), kind, related_id, ticket_id, created_by, now() FROM ticket_relations",
        "INSERT INTO ticket_relations (id, kind, ticket_id, related_id, created_by, created_at) \
         SELECT gen_random_uuid(), kind, ticket_id, related_id, created_by, now() FROM ticket_relations",
        "UPDATE tickets SET status = 'lost'",
        // Data can be missing only in a ticket that was archived for that reason.
        "UPDATE tickets SET requester_document_id = NULL",
        "UPDATE tickets SET requester_landline = NULL, requester_extension = NULL, requester_mobile = NULL",
        "UPDATE tickets SET requester_unit_id = NULL, requester_unit_name = NULL",
        "UPDATE tickets SET requester_unit_name = NULL",
        // Inbound mail cannot be changed.
        "UPDATE inbound_emails SET sha256 = repeat('0', 64)",
        "UPDATE inbound_emails SET status = 'waiting'",
        "UPDATE inbound_emails SET reason = 'failed'",
        "INSERT INTO inbound_emails SELECT (e).* FROM (SELECT inbound_emails AS e FROM inbound_emails) AS one",
        "UPDATE tickets SET criticality = 'urgent'",
        "UPDATE tickets SET status = 'assigned', assignee_id = NULL",
        "UPDATE tickets SET status = 'closed'",
        "UPDATE tickets SET status = 'on_hold', solved_at = NULL, solution = NULL",
        "UPDATE tickets SET status = 'on_hold', resumes_to = 'solved', solved_at = NULL, solution = NULL",
        "UPDATE tickets SET resumes_to = 'in_progress'",
        "UPDATE tickets SET information_deadline = now()",
        // Without an assignee a ticket can only wait for the requester.
        "UPDATE tickets SET status = 'on_hold', resumes_to = 'classified', assignee_id = NULL, \
         solved_at = NULL, solution = NULL",
        "UPDATE tickets SET status = 'on_hold', resumes_to = 'classified', assignee_id = NULL, criticality = NULL, \
         first_attention_due_at = NULL, information_deadline = now(), solved_at = NULL, solution = NULL",
        "UPDATE tickets SET status = 'on_hold', resumes_to = 'in_progress', accepted_at = NULL, solved_at = NULL, \
         solution = NULL",
        "UPDATE tickets SET status = 'on_hold', resumes_to = 'assigned', assignee_id = NULL, \
         information_deadline = now(), solved_at = NULL, solution = NULL",
        "UPDATE tickets SET staff_called_at = now()",
        "UPDATE tickets SET third_party_promised_for = now()",
        "UPDATE tickets SET first_attention_due_at = NULL",
        "UPDATE tickets SET resubmission_of = id",
        "INSERT INTO holds (id, ticket_id, kind, reason, started_at, started_by) \
         SELECT gen_random_uuid(), id, 'nothing', 'x', now(), requester_id FROM tickets",
        "UPDATE tickets SET solution = NULL",
        "UPDATE tickets SET requester_mobile = NULL, requester_landline = NULL, requester_extension = NULL",
        "UPDATE tickets SET support_level = 4",
        "UPDATE tickets SET requester_id = gen_random_uuid()",
        "UPDATE attention_policies SET minutes = 1",
        "DELETE FROM attention_policies",
        "UPDATE attention_times SET minutes = 0",
        "DELETE FROM calendars",
        "UPDATE users SET role = 'king'",
        "UPDATE users SET email = (SELECT upper(email) FROM users ORDER BY email LIMIT 1) \
         WHERE email = (SELECT email FROM users ORDER BY email DESC LIMIT 1)",
        "UPDATE surveys SET comment = 'otra cosa'",
        "INSERT INTO surveys (id, ticket_id, requester_id, created_at) \
         SELECT gen_random_uuid(), ticket_id, requester_id, now() FROM surveys",
        "DELETE FROM users",
    ];
    for sql in refused {
        let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
    let kept =
        desk.database.count(&format!("SELECT count(*) FROM tickets WHERE id = {id} AND status = 'solved'"));
    assert_eq!(kept, 1);
}

/// The migration computes the openings of earlier tickets from the history.
#[test]
fn openings_are_computed_from_the_history() {
    const OPENINGS: &str = "20261124000040";
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    desk.ticket_in("solved");
    let escalated = desk.ticket_in("escalated");
    let (technician, professional) = (desk.technician(), desk.professional());
    let assignee = json!({"assignee_id": professional.id()});
    technician.post(&format!("{escalated}/assignment"), assignee).ok();
    professional.post(&format!("{escalated}/acceptance"), crate::harness::states::soon()).ok();
    let solution = json!({"description": "Listo."});
    professional.post(&format!("{escalated}/solution"), solution.clone()).ok();
    desk.requester().post(&format!("{escalated}/reopening"), json!({})).ok();
    professional.post(&format!("{escalated}/solution"), solution).ok();
    desk.requester().post(&format!("{escalated}/closure"), json!({})).ok();
    desk.ticket_in("archived");
    desk.ticket_in("received");
    desk.database
        .run("UPDATE openings SET working_minutes = NULL; CREATE TABLE kept AS SELECT * FROM openings");
    let mut connection = desk.database.connect();
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= OPENINGS) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    migrations::apply(&mut connection).unwrap();
    let differ = "SELECT count(*) FROM ((TABLE kept EXCEPT TABLE openings) UNION ALL (TABLE openings EXCEPT TABLE kept)) AS d";
    assert_eq!((desk.database.count("SELECT count(*) FROM kept"), desk.database.count(differ)), (7, 0));
}

/// Followups that came by mail before verification was recorded are marked as unverified, other followups are not.
#[test]
fn earlier_followups_by_mail_are_marked_as_unverified() {
    const TRUST: &str = "20261128000100";
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let subject = format!("Re: [#{}] x", one.rsplit('/').next().unwrap());
    let mail = |from: &str| format!("From: {from}\nSubject: {subject}\n\nSigue igual.");
    let submit =
        |mail: String| desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    assert_eq!(submit(mail("requester@mesa.test"))["status"], "processed");
    assert_eq!(submit(mail("director@mesa.test"))["reason"], "sender_unverified");
    let mut connection = desk.database.connect();
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= TRUST) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    migrations::apply(&mut connection).unwrap();
    let followups = desk.director().get(&format!("{one}/followups")).items();
    let marks: Vec<_> = followups.iter().map(|followup| followup["unverified"].clone()).collect();
    assert_eq!(marks, [json!(null), json!(true)]);
    let emails = desk.director().get("/inbound-emails").items();
    assert!(emails.iter().all(|email| email["authentication"].is_null()), "{emails:?}");
    assert_eq!(emails[0]["reason"], "authentication_failed");
}
