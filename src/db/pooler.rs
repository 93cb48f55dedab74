//! Poolers in transaction mode, such as PgBouncer: each transaction may run in another session of PostgreSQL.

use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{Bool, Integer};

use super::clock_timestamp;
use super::hosts::Hosts;
use super::server_role::DatabaseUrls;
use super::session::{self, Bounds};
use crate::problem::StartError;

/// What a session of the role must have: with a pooler it cannot be set for a session.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("jit", "off"),
];

/// Checks that the configured pooler can be used, and gives the server's role its time limits; refuses a pooler in
/// transaction mode that is not configured as one.
///
/// # Errors
/// A text for the operator.
pub fn prepare(urls: &DatabaseUrls) -> Result<(), StartError> {
    let Some(pooler) = &urls.pooler else {
        return match in_transaction_mode(&Hosts::of(&urls.server))? {
            false => Ok(()),
            true => Err("DATABASE_URL is a pooler in transaction mode: set MESA_DIRECT_DATABASE_URL to the same database \
                         without the pooler, or use a pool in session mode"
                .into()),
        };
    };
    let mut direct = session::open(&urls.server, Bounds::Command)?;
    set_for_role(&mut direct)?;
    let hosts = Hosts::of(pooler);
    check_prepared_statements(&hosts)?;
    if !has_settings(&mut hosts.connect()?)? {
        log::warn!(
            "sessions of the pooler have no time limits yet: make it open new ones (RECONNECT in PgBouncer), or restart it"
        );
    }
    Ok(())
}

/// Whether two transactions of one connection run in different sessions, while another connection is in a transaction.
fn in_transaction_mode(hosts: &Hosts) -> Result<bool, StartError> {
    let (mut one, mut two) = (hosts.connect()?, hosts.connect()?);
    let before = backend(&mut one)?;
    let (other, after) = two.transaction(|tx| Ok::<_, Error>((backend(tx)?, backend(&mut one)?)))?;
    Ok(before == other || before != after)
}

/// The process of PostgreSQL that serves this connection now.
fn backend(connection: &mut PgConnection) -> QueryResult<i32> {
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    Ok(diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Backend>(connection)?.pid)
}

/// Checks that a statement that was prepared in one session can be executed in another.
fn check_prepared_statements(hosts: &Hosts) -> Result<(), StartError> {
    let (mut one, mut two) = (hosts.connect()?, hosts.connect()?);
    let prepared = |db: &mut PgConnection| {
        diesel::select(clock_timestamp()).get_result::<chrono::DateTime<chrono::Utc>>(db)
    };
    let executed = prepared(&mut one).and_then(|_| {
        two.transaction(|tx| {
            backend(tx)?;
            prepared(&mut one)
        })
    });
    executed.map(|_| ()).map_err(|error| {
        format!(
            "the pooler in DATABASE_URL does not keep prepared statements: PgBouncer 1.21 or later with \
             max_prepared_statements above 0 is needed ({error})"
        )
        .into()
    })
}

/// Gives the current role its settings in this database, if it lacks them.
fn set_for_role(direct: &mut PgConnection) -> QueryResult<()> {
    // The session has settings of its own.
    diesel::sql_query("RESET ALL").execute(direct)?;
    if has_settings(direct)? {
        return Ok(());
    }
    for (name, value) in SETTINGS {
        diesel::sql_query(format!(
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET {name} = %L', current_user, \
             current_database(), '{value}'); END $$"
        ))
        .execute(direct)?;
    }
    Ok(())
}

fn has_settings(connection: &mut PgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        has: bool,
    }
    let each = SETTINGS.map(|(name, value)| format!("current_setting('{name}') = '{value}'"));
    let found: Found =
        diesel::sql_query(format!("SELECT {} AS has", each.join(" AND "))).get_result(connection)?;
    Ok(found.has)
}
