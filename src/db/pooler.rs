//! Poolers in transaction mode, such as PgBouncer: each transaction may run in another session of PostgreSQL.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{Bool, Integer};

use super::clock_timestamp;
use super::hosts::Hosts;
use super::server_role::DatabaseUrls;
use super::session::{self, Bounds};
use crate::problem::StartError;

/// How long two connections to a pooler may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a session of the role must have: with a pooler it cannot be set for a session.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("jit", "off"),
];

/// Refuses a URL for sessions that names a pooler in transaction mode, before anything is set for a session: it would
/// apply to others. `variable`: that of the URL.
///
/// # Errors
/// A text for the operator.
pub fn check_direct(hosts: Hosts, variable: &str) -> Result<(), StartError> {
    let (send, receive) = mpsc::channel();
    // A pool with one session keeps the second connection waiting for minutes.
    std::thread::Builder::new().name("mesa-pooler".to_owned()).spawn(move || {
        let opened = hosts.connect().and_then(|one| Ok((one, hosts.connect()?)));
        let _ = send.send(match opened {
            Ok((mut one, mut two)) => {
                in_transaction_mode(&mut one, &mut two).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        });
    })?;
    match receive.recv_timeout(PATIENCE) {
        Ok(Ok(false)) => Ok(()),
        Ok(Ok(true)) => Err(format!(
            "{variable} is a pooler in transaction mode: set MESA_DIRECT_DATABASE_URL (and MESA_OWNER_DATABASE_URL, if it is \
             set) to the same database without the pooler, or use a pool in session mode"
        )
        .into()),
        Ok(Err(error)) => Err(format!("cannot connect to the database ({variable}): {error}").into()),
        Err(_) => Err(format!(
            "{variable} gave no two sessions within {} s: a pooler needs a larger pool (default_pool_size in PgBouncer)",
            PATIENCE.as_secs()
        )
        .into()),
    }
}

/// Checks that the configured pooler can be used, and gives the server's role its time limits.
///
/// # Errors
/// A text for the operator.
pub fn prepare(urls: &DatabaseUrls) -> Result<(), StartError> {
    let Some(pooler) = &urls.pooler else { return Ok(()) };
    set_for_role(&mut session::open(&urls.server, Bounds::Command)?)?;
    let hosts = Hosts::of(pooler);
    check_prepared_statements(&hosts)?;
    if !has_settings(&mut hosts.connect()?)? {
        log::warn!(
            "sessions of the pooler have no time limits yet: make it open new ones (RECONNECT in PgBouncer), or restart it"
        );
    }
    Ok(())
}

/// Whether transactions of the first connection run in different sessions, or in that of the second, while the second is
/// in a transaction. A pooler may give sessions in turns: several times.
fn in_transaction_mode(one: &mut PgConnection, two: &mut PgConnection) -> QueryResult<bool> {
    let (mut of_one, mut of_two) = (HashSet::new(), HashSet::new());
    for _ in 0..4 {
        of_one.insert(backend(one)?);
        let (other, same) = two.transaction(|tx| Ok::<_, Error>((backend(tx)?, backend(one)?)))?;
        of_one.insert(same);
        of_two.insert(other);
    }
    Ok(of_one.len() > 1 || !of_one.is_disjoint(&of_two))
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
