//! Migrates the database to the schema of this binary.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The advisory lock under which one copy of the server migrates while the others wait.
const LOCK: i64 = 0x4d45_5341_0001;

/// The migrations that create an index `CONCURRENTLY`, with its name.
pub const CREATED_CONCURRENTLY: [(&str, &str); 1] = [("20261201000003", "openings_extent_idx")];

/// How often a copy that waits for the lock tries to take it.
const AGAIN: Duration = Duration::from_millis(200);

diesel::define_sql_function! {
    fn pg_try_advisory_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// The schema of a database, compared with that of this version.
#[derive(Debug, PartialEq, Eq)]
pub struct Standing {
    /// The number of migrations of this version that the database lacks.
    pub pending: usize,
    /// The last migration that this version does not know.
    pub unknown: Option<String>,
    /// Whether this version can serve the database, although it does not know all of its migrations.
    pub is_compatible: bool,
}

/// Compares the schema of the database with that of this version. Only needs the right to read.
///
/// # Errors
/// An error of PostgreSQL.
pub fn standing(connection: &mut PgConnection) -> Result<Standing, Box<dyn Error + Send + Sync>> {
    let applied = applied(connection)?;
    let known = known()?;
    let pending = known.iter().filter(|version| !applied.contains(*version)).count();
    let unknown = applied.into_iter().filter(|version| !known.contains(version)).max();
    let is_compatible = match unknown {
        None => true,
        Some(_) => oldest_compatible(connection)?.is_some_and(|oldest| known.contains(&oldest)),
    };
    Ok(Standing { pending, unknown, is_compatible })
}

/// Whether any migration was applied.
///
/// # Errors
/// An error of PostgreSQL.
pub fn has_any(connection: &mut PgConnection) -> QueryResult<bool> {
    Ok(!applied(connection)?.is_empty())
}

/// Applies pending migrations and returns their number. Copies of the server that start together wait for one
/// another. A user who may not create tables can call it if nothing is pending.
pub fn apply(connection: &mut PgConnection) -> Result<usize, Box<dyn Error + Send + Sync>> {
    if standing(connection)?.pending == 0 {
        return Ok(0);
    }
    alone(connection, |connection| {
        drop_invalid_indexes(connection)?;
        // A short limit: while it waits for a table, readers of the table queue behind it.
        connection.batch_execute("SET lock_timeout = '1min'")?;
        connection.run_pending_migrations(MIGRATIONS).map(|versions| versions.len())
    })
}

/// Runs `act` while no other copy of the server changes the schema or its privileges.
pub fn alone<T>(
    connection: &mut PgConnection,
    act: impl FnOnce(&mut PgConnection) -> Result<T, Box<dyn Error + Send + Sync>>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    // Tried again and again: an index that is created `CONCURRENTLY` waits for all statements that run, so also for one that
    // waits for the lock.
    while !diesel::select(pg_try_advisory_lock(LOCK)).get_result(connection)? {
        std::thread::sleep(AGAIN);
    }
    let done = act(connection);
    diesel::sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK).execute(connection)?;
    done
}

/// The last migration of this version of the server: a time, `20261130060001`.
///
/// # Errors
/// The build has no migrations.
pub fn latest() -> Result<String, Box<dyn Error + Send + Sync>> {
    known()?.into_iter().max().ok_or_else(|| "no migrations".into())
}

/// The migrations of this version.
fn known() -> Result<HashSet<String>, Box<dyn Error + Send + Sync>> {
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The migrations of the database.
fn applied(connection: &mut PgConnection) -> QueryResult<HashSet<String>> {
    let table = diesel::sql_query(
        "SELECT 'yes' AS version WHERE to_regclass('__diesel_schema_migrations') IS NOT NULL",
    );
    if table.load::<Version>(connection)?.is_empty() {
        return Ok(HashSet::new());
    }
    let applied: Vec<Version> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .load(connection)?;
    Ok(applied.into_iter().map(|applied| applied.version).collect())
}

/// Drops the indexes whose creation by a pending migration was interrupted: `IF NOT EXISTS` would keep them. Whether one is
/// invalid is asked under the lock, so that no other copy is creating it.
fn drop_invalid_indexes(connection: &mut PgConnection) -> QueryResult<()> {
    let applied = applied(connection)?;
    for (_, name) in CREATED_CONCURRENTLY.iter().filter(|(version, _)| !applied.contains(*version)) {
        let invalid = diesel::sql_query(
            "SELECT 'yes' AS version FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid",
        );
        if !invalid.bind::<Text, _>(*name).load::<Version>(connection)?.is_empty() {
            log::warn!("dropping the index {name}, whose creation was interrupted");
            connection.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"))?;
        }
    }
    Ok(())
}

/// The migration that a version must know to serve this database; `None` in a database that does not say so.
fn oldest_compatible(connection: &mut PgConnection) -> QueryResult<Option<String>> {
    let function = diesel::sql_query(
        "SELECT 'yes' AS version WHERE to_regproc('oldest_compatible_migration') IS NOT NULL",
    );
    if function.load::<Version>(connection)?.is_empty() {
        return Ok(None);
    }
    let oldest: Version =
        diesel::sql_query("SELECT oldest_compatible_migration() AS version").get_result(connection)?;
    Ok(Some(oldest.version))
}
