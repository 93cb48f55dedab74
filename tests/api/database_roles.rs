//! The server's role in the database: it works with rows, and cannot switch off what protects them.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mesa::db::server_role;

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
fn migrate_as_the_owner_makes_the_role_of_the_server_and_grants_it_what_it_needs() {
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
    // Where nothing is pending the server needs no owner.
    let (applied, said) = run(None);
    assert!(applied && said.contains("0 migrations applied"), "{said}");
    // What is pending it cannot apply.
    database.run("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)");
    let (applied, said) = run(None);
    assert!(!applied && said.contains("MESA_OWNER_DATABASE_URL"), "{said}");
}
