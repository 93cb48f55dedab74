//! The server's role in the database can work with rows and cannot disable the triggers that protect them.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mesa::db::server_role;
use serde_json::json;

use crate::harness::binary::mesa;
use crate::harness::{Database, Desk, SECRET};

#[test]
fn the_server_cannot_change_the_schema_truncate_or_disable_triggers() {
    let desk = Desk::open();
    desk.ticket_in("received");
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    assert!(!server_role::can_change_schema(db).unwrap());
    for (sql, refusal) in [
        ("ALTER TABLE events DISABLE TRIGGER ALL", "must be owner"),
        ("ALTER TABLE tickets ADD COLUMN x text", "must be owner"),
        ("DROP TABLE log_entries", "must be owner"),
        (
            "CREATE OR REPLACE FUNCTION events_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
            "denied",
        ),
        ("CREATE TABLE x (y text)", "permission denied"),
        ("CREATE TRIGGER x BEFORE INSERT ON events EXECUTE FUNCTION events_keep()", "permission denied"),
        ("TRUNCATE messages", "permission denied"),
        ("TRUNCATE events", "permission denied"),
        ("SET session_replication_role = replica", "permission denied"),
        ("SET ROLE mesa", "permission denied"),
        ("UPDATE __diesel_schema_migrations SET run_on = now()", "permission denied"),
        ("DELETE FROM events", "the history cannot be changed"),
        ("UPDATE log_entries SET hash = sha256('x')", "the log cannot be changed"),
        ("DELETE FROM log_entries", "the log cannot be changed"),
        ("DELETE FROM log_entries_waiting", "the log cannot be changed"),
        ("DELETE FROM log_entries_placed", "the log cannot be changed"),
        ("UPDATE log_entries_waiting SET hash = sha256('x')", "the log cannot be changed"),
        ("TRUNCATE log_entries_placed", "permission denied"),
        ("DROP TABLE log_entries_waiting", "must be owner"),
    ] {
        let error = db.batch_execute(sql).unwrap_err().to_string();
        assert!(error.contains(refusal), "{sql}: {error}");
    }
    desk.database.run(
        "INSERT INTO tree_heads (size, root, at, reason, frontier, key_id, note) \
         VALUES (1, sha256(''), now(), 'daily', sha256(''), '00000000', '')",
    );
    for sql in ["UPDATE tree_heads SET note = 'x'", "DELETE FROM tree_heads"] {
        let error = db.batch_execute(sql).unwrap_err().to_string();
        assert!(error.contains("a tree head cannot be changed"), "{sql}: {error}");
    }
}

#[test]
fn migrate_as_the_owner_creates_the_server_role_and_grants_privileges() {
    let database = Database::empty();
    let server_url = database.server_url.replacen("mesa_server:", "mesa_of_migrate:", 1);
    let run = |owner: Option<&str>| {
        let mut variables = vec![("DATABASE_URL", server_url.as_str()), ("MESA_JWT_SECRET", SECRET)];
        variables.extend(owner.map(|owner| ("MESA_OWNER_DATABASE_URL", owner)));
        let output = mesa(&variables).arg("migrate").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (applied, said) = run(Some(&database.url));
    assert!(applied && said.contains("migrations applied"), "{said}");
    let db = &mut PgConnection::establish(&server_url).unwrap();
    assert!(!server_role::can_change_schema(db).unwrap());
    db.batch_execute("INSERT INTO units (id, name) VALUES (gen_random_uuid(), 'Secretaría General')")
        .unwrap();
    // Without pending migrations the server needs no owner.
    let (applied, said) = run(None);
    assert!(applied && said.contains("0 migrations applied"), "{said}");
    // It cannot apply pending migrations.
    database.run("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)");
    let (applied, said) = run(None);
    assert!(!applied && said.contains("MESA_OWNER_DATABASE_URL"), "{said}");
}

#[test]
fn a_temporary_table_does_not_hide_a_table_from_the_triggers() {
    let desk = Desk::open();
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    // As in an installation whose administrator did not revoke the privilege.
    desk.database.run(
        "GRANT TEMPORARY ON DATABASE CURRENT_DATABASE_NAME TO PUBLIC"
            .replace(
                "CURRENT_DATABASE_NAME",
                desk.database.url.rsplit('/').next().unwrap().split('?').next().unwrap(),
            )
            .as_str(),
    );
    db.batch_execute("CREATE TEMP TABLE audit_events (LIKE public.audit_events)").unwrap();
    let recorded = || desk.database.count("SELECT count(*) FROM public.audit_events WHERE resource = 'user'");
    let before = recorded();
    db.batch_execute("UPDATE users SET role = 'director' WHERE email = 'technician@mesa.test'").unwrap();
    db.batch_execute("UPDATE users SET password_hash = 'x' WHERE email = 'technician@mesa.test'").unwrap();
    assert_eq!(recorded(), before + 2);
    let unprotected = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND prorettype = 'trigger'::regtype AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
        AND proconfig IS NULL";
    assert_eq!(desk.database.count(unprotected), 0);
}

#[test]
fn redaction_only_replaces_values_by_marks_and_only_for_requesters() {
    let desk = Desk::open();
    let person = desk.another(mesa::auth::policy::Role::Requester);
    desk.director().patch(&format!("/users/{}", person.id()), json!({"full_name": "Rosa Elvira"})).ok();
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    let anonymize = |who: &str| {
        format!(
            "INSERT INTO anonymizations (user_id, at, by, reason)
             SELECT '{who}', now(), id, 'x' FROM users WHERE email = 'director@mesa.test'"
        )
    };
    let redact = |field: &str, to: &str| {
        format!(
            "BEGIN; {}; UPDATE audit_events SET data_salt = NULL, data = jsonb_build_object('details', data -> 'details',
                 'changes', jsonb_build_array(jsonb_build_object('field', '{field}', 'from', '[…]', 'to', '{to}')))
             WHERE resource_id = '{}' AND kind = 'changed'",
            anonymize(person.id()),
            person.id()
        )
    };
    for forged in [redact("full_name", "Otra"), redact("role", "[…]")] {
        let error = db.batch_execute(&forged).unwrap_err().to_string();
        assert!(error.contains("the audit log cannot be changed"), "{error}");
        db.batch_execute("ROLLBACK").unwrap();
    }
    db.batch_execute(&redact("full_name", "[…]")).unwrap();
    db.batch_execute("ROLLBACK").unwrap();
    let error = db.batch_execute(&anonymize(desk.technician().id())).unwrap_err().to_string();
    assert!(error.contains("only requesters"), "{error}");
}
