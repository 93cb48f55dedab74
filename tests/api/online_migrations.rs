//! Migrations that the desk can live with while they are applied, and that the previous version can serve afterwards.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use diesel_migrations::MigrationHarness;
use mesa::db::migrations::{self, CREATED_CONCURRENTLY, MIGRATIONS};
use regex::Regex;

use crate::harness::Database;

/// The rules apply to later migrations than this one; earlier ones are part of the first release that has them.
const SINCE: &str = "2026-11-30-090001";

/// Statements, without comments and bodies of functions.
fn statements(sql: &str) -> Vec<String> {
    let bodies = Regex::new(r"(?s)\$(\w*)\$.*?\$\w*\$").unwrap();
    let comments = Regex::new(r"--[^\n]*").unwrap();
    let bare = comments.replace_all(sql, "");
    let bare = bodies.replace_all(&bare, "");
    let one_line = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    bare.split(';').map(one_line).filter(|statement| !statement.is_empty()).collect()
}

/// What is wrong with a migration. `in_transaction`: whether it runs in one.
fn faults(sql: &str, in_transaction: bool) -> Vec<String> {
    let pattern = |text: &str| Regex::new(&format!("(?i){text}")).unwrap();
    let created = pattern(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)");
    let statements = statements(sql);
    let new: HashSet<String> =
        statements.iter().filter_map(|one| Some(created.captures(one)?[1].to_lowercase())).collect();
    // What an older version or a running desk cannot live with.
    let declares = sql.contains("oldest_compatible_migration()");
    let rules = [
        (r"^CREATE (?:UNIQUE )?INDEX\b", "INDEX CONCURRENTLY", "an index is created CONCURRENTLY"),
        (
            r"ADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY)",
            "NOT VALID",
            "a constraint is added NOT VALID, and validated by a later statement",
        ),
        (r"\bSET NOT NULL\b", "", "NOT NULL is a CHECK that is added NOT VALID first"),
        (
            r"ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE\b",
            "",
            "another type is another column, filled in batches",
        ),
        (r"^(?:UPDATE|DELETE FROM) ", "", "rows are changed in batches by a background task or a command"),
    ];
    let removes = pattern(r"\bDROP (?:TABLE|COLUMN|FUNCTION|VIEW)\b|\bRENAME\b");
    let table = pattern(
        r"(?:ALTER TABLE (?:IF EXISTS )?(?:ONLY )?|\bON (?:ONLY )?|^UPDATE (?:ONLY )?|^DELETE FROM (?:ONLY )?)(\w+)",
    );
    let mut found = Vec::new();
    for statement in &statements {
        let of_new = table.captures(statement).is_some_and(|found| new.contains(&found[1].to_lowercase()));
        for (what, unless, rule) in rules {
            let excepted = !unless.is_empty() && statement.to_uppercase().contains(unless);
            if pattern(what).is_match(statement) && !of_new && !excepted {
                found.push(format!("{rule}: {statement}"));
            }
        }
        if removes.is_match(statement) && !declares {
            found.push(format!("what is removed is declared by oldest_compatible_migration(): {statement}"));
        }
        if statement.to_uppercase().contains("CONCURRENTLY") {
            if in_transaction {
                found.push(format!(
                    "CONCURRENTLY needs run_in_transaction = false in metadata.toml: {statement}"
                ));
            }
            if !statement.contains("IF NOT EXISTS") && !statement.contains("IF EXISTS") {
                found.push(format!("CONCURRENTLY can be repeated (IF NOT EXISTS, IF EXISTS): {statement}"));
            }
            // PostgreSQL carries out several statements that are sent together in one transaction.
            if statements.len() > 1 {
                found.push(format!("CONCURRENTLY is the only statement of its migration: {statement}"));
            }
        }
    }
    found
}

#[test]
fn later_migrations_can_be_applied_while_the_desk_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if name.as_str() <= SINCE || name.starts_with(SINCE) {
            continue;
        }
        let sql = fs::read_to_string(entry.join("up.sql")).unwrap();
        let metadata = fs::read_to_string(entry.join("metadata.toml")).unwrap_or_default();
        let mut found = faults(&sql, !metadata.contains("run_in_transaction = false"));
        let version = name.split('_').next().unwrap().replace('-', "");
        for index in created_concurrently(&sql) {
            if !CREATED_CONCURRENTLY.contains(&(version.as_str(), index.as_str())) {
                found.push(format!("{index} is not in CREATED_CONCURRENTLY of src/db/migrations.rs"));
            }
        }
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

/// The names of the indexes that a migration creates `CONCURRENTLY`.
fn created_concurrently(sql: &str) -> Vec<String> {
    let created = Regex::new(r"(?i)^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?(\w+)").unwrap();
    statements(sql).iter().filter_map(|one| Some(created.captures(one)?[1].to_owned())).collect()
}

#[test]
fn the_rules_for_migrations_are_recognized() {
    for (sql, in_transaction, expected) in [
        ("CREATE INDEX a ON tickets (id);", true, "CONCURRENTLY:"),
        ("CREATE UNIQUE INDEX CONCURRENTLY a ON tickets (id)", true, "run_in_transaction"),
        ("DROP INDEX CONCURRENTLY a", false, "can be repeated"),
        ("DROP INDEX CONCURRENTLY a; DROP INDEX CONCURRENTLY b", false, "only statement"),
        ("ALTER TABLE tickets ADD CONSTRAINT a CHECK (id > 0)", true, "NOT VALID"),
        ("ALTER TABLE tickets ALTER COLUMN a SET NOT NULL", true, "NOT NULL"),
        ("ALTER TABLE tickets ALTER a TYPE bigint", true, "another type"),
        ("UPDATE tickets SET a = 1", true, "batches"),
        ("ALTER TABLE tickets DROP COLUMN a", true, "oldest_compatible_migration"),
    ] {
        let found = faults(sql, in_transaction);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{sql}: {found:?}");
    }
    for sql in [
        "CREATE TABLE a (id int); CREATE INDEX b ON a (id); ALTER TABLE a ADD CHECK (id > 0); -- UPDATE tickets",
        "ALTER TABLE tickets ADD COLUMN a integer, ADD CONSTRAINT b CHECK (a > 0) NOT VALID",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE tickets SET id = 1; $$",
    ] {
        assert_eq!(faults(sql, true), [""; 0], "{sql}");
    }
    assert_eq!(faults("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON tickets (id)", false), [""; 0]);
}

/// Creating an index `CONCURRENTLY` waits for the transactions of others, also of those that wait to migrate.
#[test]
fn interrupted_migrations_of_indexes_are_repeated_by_copies_that_start_together() {
    let database = Database::from_template();
    let mut connection = database.connect();
    let is_late = |version: &str| ["20261201000003", "20261201000004"].contains(&version);
    while connection.applied_migrations().unwrap().iter().any(|version| is_late(&version.to_string())) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version >= '20261201000003'";
    let invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid =";
    for interrupted in [
        // While the index was created, and while the other one was dropped.
        format!(
            "CREATE INDEX openings_extent_idx ON openings (opened_at); {invalid} 'openings_extent_idx'::regclass; \
             {invalid} 'openings_open_during_idx'::regclass"
        ),
        // Before the versions were recorded.
        forget.to_owned(),
        // An index of the database administrator is none of ours.
        format!("{forget}; CREATE INDEX dba_idx ON openings (opened_at); {invalid} 'dba_idx'::regclass"),
    ] {
        database.run(&interrupted);
        let applied: Vec<usize> = std::thread::scope(|scope| {
            let copies: Vec<_> =
                (0..4).map(|_| scope.spawn(|| migrations::apply(&mut database.connect()).unwrap())).collect();
            copies.into_iter().map(|copy| copy.join().unwrap()).collect()
        });
        assert_eq!(applied.iter().sum::<usize>(), 2, "{applied:?}");
        let indexes = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE \
             c.relname = 'openings_extent_idx' AND indisvalid AND indnatts = 2 OR c.relname = 'openings_open_during_idx'";
        assert_eq!(database.count(indexes), 1, "{interrupted}");
    }
    assert_eq!(database.count("SELECT count(*) FROM pg_class WHERE relname = 'dba_idx'"), 1);
}
