//! Migrates the database to the schema of this binary.

use std::collections::HashSet;
use std::error::Error;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The advisory lock under which one copy of the server migrates while the others wait.
const LOCK: i64 = 0x4d45_5341_0001;

/// Applies pending migrations and returns their number. Copies of the server that start together wait for one
/// another. A user who may not create tables can call it if nothing is pending.
pub fn apply(connection: &mut PgConnection) -> Result<usize, Box<dyn Error + Send + Sync>> {
    if !are_pending(connection)? {
        return Ok(0);
    }
    alone(connection, |connection| {
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
    connection.batch_execute("SET lock_timeout = 0")?;
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(connection)?;
    let done = act(connection);
    diesel::sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK).execute(connection)?;
    done
}

/// The last migration of this version of the server: a time, `20261130060001`.
///
/// # Errors
/// The build has no migrations.
pub fn latest() -> Result<String, Box<dyn Error + Send + Sync>> {
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    let latest = known.iter().map(|migration| migration.name().version().to_string()).max();
    latest.ok_or_else(|| "no migrations".into())
}

/// Whether the database lacks a migration of this binary. Only needs the right to read.
fn are_pending(connection: &mut PgConnection) -> Result<bool, Box<dyn Error + Send + Sync>> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let table = diesel::sql_query(
        "SELECT 'yes' AS version WHERE to_regclass('__diesel_schema_migrations') IS NOT NULL",
    );
    if table.load::<Applied>(connection)?.is_empty() {
        return Ok(true);
    }
    let applied: Vec<Applied> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .load(connection)?;
    let applied: HashSet<String> = applied.into_iter().map(|applied| applied.version).collect();
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    Ok(known.iter().any(|migration| !applied.contains(&migration.name().version().to_string())))
}
