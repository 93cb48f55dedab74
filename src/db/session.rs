//! How every connection is opened: with time limits for the network, a statement, a lock and an idle transaction.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::{ConnectionError, ConnectionResult, QueryResult, QueryableByName, RunQueryDsl};

use super::hosts::Hosts;
use crate::problem::{Result, StartError};

/// Parameters of a connection if the URL does not have them. libpq waits for minutes and hours: time limits for the
/// network in seconds, and in milliseconds for `tcp_user_timeout`. A standby is not used: it refuses changes.
const PARAMETERS: [(&str, &str); 5] = [
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
    ("target_session_attrs", "read-write"),
];

/// Time limits of a session.
#[derive(Debug, Clone, Copy)]
pub enum Bounds {
    /// For a request: another one may wait for it, or for its connection.
    Request,
    /// For a round of the background tasks: it is repeated soon, and each of its tasks may have to wait for a lock.
    Task,
    /// For a command: it may process all data, and does not block others for long.
    Command,
}

impl Bounds {
    fn sql(self) -> &'static str {
        match self {
            Bounds::Request => {
                // Compiling a statement to machine code takes longer than a request: PostgreSQL overestimates the rows of a list.
                "SET TIME ZONE 'UTC'; SET statement_timeout = '15s'; SET lock_timeout = '5s'; \
                 SET idle_in_transaction_session_timeout = '30s'; SET jit = off"
            }
            Bounds::Task => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '15s'; SET lock_timeout = '3s'; \
                 SET idle_in_transaction_session_timeout = '30s'"
            }
            Bounds::Command => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '1h'; SET lock_timeout = '1min'; \
                 SET idle_in_transaction_session_timeout = 0"
            }
        }
    }
}

/// A connection outside of any pool.
///
/// # Errors
/// The error of PostgreSQL or the network.
pub fn open(url: &str, bounds: Bounds) -> ConnectionResult<PgConnection> {
    on(&Hosts::of(url), bounds)
}

/// The same, to one of these servers.
///
/// # Errors
/// The error of PostgreSQL or the network.
pub fn on(hosts: &Hosts, bounds: Bounds) -> ConnectionResult<PgConnection> {
    let mut connection = hosts.connect()?;
    begin(&mut connection, bounds).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Initializes a session.
///
/// # Errors
/// An error of PostgreSQL.
pub fn begin(connection: &mut PgConnection, bounds: Bounds) -> QueryResult<()> {
    // Some errors are distinguished by their English messages. Only a superuser can set the language; otherwise it is
    // unchanged.
    let _ = connection.batch_execute("SET lc_messages = 'C'");
    connection.batch_execute(bounds.sql())
}

/// Carries out work in a session that refuses changes meanwhile.
///
/// # Errors
/// The error of `act`, or of PostgreSQL.
pub fn read_only<T>(
    connection: &mut PgConnection,
    act: impl FnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    refuse_changes(connection)?;
    let done = act(connection);
    connection.batch_execute("SET default_transaction_read_only = off")?;
    done
}

/// Makes a session refuse changes until it ends, whatever the server is.
///
/// # Errors
/// An error of PostgreSQL.
pub fn refuse_changes(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("SET default_transaction_read_only = on")
}

/// Checks that the server responds.
///
/// # Errors
/// An error of PostgreSQL.
pub fn check(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("SELECT 1")
}

/// Checks that the server responds and accepts changes: it may have become a standby since the connection was opened.
///
/// # Errors
/// An error of PostgreSQL, or [`diesel::result::Error::NotFound`] from a standby.
pub fn check_changeable(connection: &mut PgConnection) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Found {}
    let found: Found = diesel::sql_query("SELECT WHERE current_setting('transaction_read_only') = 'off'")
        .get_result(connection)?;
    let Found {} = found;
    Ok(())
}

/// Checks that tables are created in the schema `public`.
///
/// # Errors
/// A text for the operator, or an error of PostgreSQL.
pub fn check_schema(connection: &mut PgConnection) -> Result<(), StartError> {
    #[derive(QueryableByName)]
    struct Schema {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let Schema { name } =
        diesel::sql_query("SELECT COALESCE(current_schema()::text, '') AS name").get_result(connection)?;
    match name.as_str() {
        "public" => Ok(()),
        _ => {
            Err(format!("search_path of the owner begins with {name:?}: Mesa uses the schema public").into())
        }
    }
}

/// Logs a warning if the messages of PostgreSQL are in another language and this user may not select English: errors
/// to be retried are then returned as internal errors.
///
/// # Errors
/// An error of PostgreSQL.
pub fn check_language(connection: &mut PgConnection) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Language {
        #[diesel(sql_type = Text)]
        lc_messages: String,
    }
    let Language { lc_messages: spoken } = diesel::sql_query("SHOW lc_messages").get_result(connection)?;
    let language = spoken.split(['.', '_', '@']).next().unwrap_or_default();
    if !["C", "POSIX", "en"].contains(&language) {
        log::warn!(
            "the messages of PostgreSQL are in {spoken}: a lock timeout or a time limit results in a 500 instead of a 503 \
             until its administrator does ALTER ROLE … SET lc_messages = 'C' for the user in DATABASE_URL"
        );
    }
    Ok(())
}

/// The URL with the parameters that it lacks; `patience`: how long connecting may take, in seconds.
pub fn bounded(url: &str, patience: u32) -> Cow<'_, str> {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    // A password may contain a question mark.
    let end = rest.find(['@', '/']).unwrap_or(0);
    let mut more = if rest.get(end..).is_some_and(|rest| rest.contains('?')) { '&' } else { '?' };
    let mut bounded = Cow::Borrowed(url);
    let patience = patience.to_string();
    for (name, value) in std::iter::once(("connect_timeout", patience.as_str())).chain(PARAMETERS) {
        if !url.contains(&format!("{name}=")) {
            bounded.to_mut().push_str(&format!("{more}{name}={value}"));
            more = '&';
        }
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_the_bounds_that_it_lacks() {
        let all = "connect_timeout=5&keepalives_idle=10&keepalives_interval=5&keepalives_count=3\
            &tcp_user_timeout=20000&target_session_attrs=read-write";
        for (url, bounded_by) in [
            ("postgresql://mesa:a?b@db:5432/mesa", format!("?{all}")),
            ("postgresql://db", format!("?{all}")),
            ("postgresql://mesa@db/mesa?sslmode=require", format!("&{all}")),
            ("postgresql://mesa:x@/mesa?port=5432&host=%2Ftmp", format!("&{all}")),
        ] {
            assert_eq!(bounded(url, 5), format!("{url}{bounded_by}"));
        }
        let own = bounded("postgresql://db/mesa?connect_timeout=30", 5).into_owned();
        assert!(own.contains("connect_timeout=30") && !own.contains("connect_timeout=5"), "{own}");
    }
}
