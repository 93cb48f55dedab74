//! Brings the database to the schema that this binary knows.

use std::error::Error;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The advisory lock under which one copy of the server migrates while the others wait.
const LOCK: i64 = 0x4d45_5341_0001;

/// Applies what is pending and answers how many migrations that were. Copies of the server that start together wait
/// for one another.
///
/// # Errors
/// What PostgreSQL answered.
pub fn apply(connection: &mut PgConnection) -> Result<usize, Box<dyn Error + Send + Sync>> {
    // For as long as another copy migrates, and then for no table so long that its readers queue behind us.
    connection.batch_execute("SET lock_timeout = 0")?;
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(connection)?;
    connection.batch_execute("SET lock_timeout = '1min'")?;
    let applied = connection.run_pending_migrations(MIGRATIONS).map(|versions| versions.len());
    diesel::sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK).execute(connection)?;
    applied
}
