//! How every connection is opened: with bounds on how long the network, a statement, a lock and an idle transaction may take.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::{Connection, ConnectionError, ConnectionResult, QueryResult, QueryableByName, RunQueryDsl};

/// How long the network may keep us waiting, where the URL does not say so itself: libpq waits for minutes and hours.
/// Seconds, and milliseconds for the last.
const NETWORK: [(&str, u32); 5] = [
    ("connect_timeout", 5),
    ("keepalives_idle", 10),
    ("keepalives_interval", 5),
    ("keepalives_count", 3),
    ("tcp_user_timeout", 20_000),
];

/// How long PostgreSQL may take in a session.
#[derive(Debug, Clone, Copy)]
pub enum Bounds {
    /// Of a request, or of a round of what the desk does by itself: somebody waits for it, or for its connection.
    Request,
    /// Of a command: it may go through all there is, and holds nobody up for long.
    Command,
}

impl Bounds {
    fn sql(self) -> &'static str {
        match self {
            Bounds::Request => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '15s'; SET lock_timeout = '5s'; \
                 SET idle_in_transaction_session_timeout = '30s'"
            }
            Bounds::Command => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '1h'; SET lock_timeout = '1min'; \
                 SET idle_in_transaction_session_timeout = 0"
            }
        }
    }
}

/// A connection apart from any pool.
///
/// # Errors
/// What PostgreSQL or the network answered.
pub fn open(url: &str, bounds: Bounds) -> ConnectionResult<PgConnection> {
    let mut connection = PgConnection::establish(&bounded(url))?;
    begin(&mut connection, bounds).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// What each session begins with.
///
/// # Errors
/// What PostgreSQL answered.
pub fn begin(connection: &mut PgConnection, bounds: Bounds) -> QueryResult<()> {
    // Messages in English are told apart by their words. To set it is a superuser's; else the language stays.
    let _ = connection.batch_execute("SET lc_messages = 'C'");
    connection.batch_execute(bounds.sql())
}

/// Warns of a PostgreSQL whose messages are in another language, where this user may not ask for English: what has to wait is
/// then answered as a fault.
///
/// # Errors
/// What PostgreSQL answered.
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
            "the messages of PostgreSQL are in {spoken}: a lock or a time limit will be answered with 500 instead of 503 \
             until its administrator does ALTER ROLE … SET lc_messages = 'C' for the user in DATABASE_URL"
        );
    }
    Ok(())
}

/// The URL with the bounds of the network that it lacks.
pub fn bounded(url: &str) -> Cow<'_, str> {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    // A password may have a question mark in it.
    let end = rest.find(['@', '/']).unwrap_or(0);
    let mut more = if rest.get(end..).is_some_and(|rest| rest.contains('?')) { '&' } else { '?' };
    let mut bounded = Cow::Borrowed(url);
    for (name, value) in NETWORK {
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
            &tcp_user_timeout=20000";
        for (url, bounded_by) in [
            ("postgresql://mesa:a?b@db:5432/mesa", format!("?{all}")),
            ("postgresql://db", format!("?{all}")),
            ("postgresql://mesa@db/mesa?sslmode=require", format!("&{all}")),
            ("postgresql://mesa:x@/mesa?port=5432&host=%2Ftmp", format!("&{all}")),
        ] {
            assert_eq!(bounded(url), format!("{url}{bounded_by}"));
        }
        let own = bounded("postgresql://db/mesa?connect_timeout=30").into_owned();
        assert!(own.contains("connect_timeout=30") && !own.contains("connect_timeout=5"), "{own}");
    }
}
