//! The servers that a database URL names, for failover: `postgresql://user@first:5432,second:5432/mesa`.
//!
//! libpq tries them in order for each connection, and waits for a first server that does not answer every time. Here the
//! server that accepted the last connection is tried first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diesel::pg::PgConnection;
use diesel::{Connection, ConnectionError, ConnectionResult};

use super::session::bounded;

/// The position of the server that accepted the last connection, by the URLs. All pools and single connections of the
/// process share it, so that each of them need not find out which server does not answer.
static LAST: Mutex<Option<HashMap<Vec<String>, usize>>> = Mutex::new(None);

/// How long a connection attempt may take, in seconds, if there is another server to try: the minimum of libpq.
const PATIENCE_OF_SEVERAL: u32 = 2;
/// The same if there is only one.
const PATIENCE: u32 = 5;

/// One URL for each server, with time limits for the network.
#[derive(Debug)]
pub struct Hosts(Vec<String>);

impl Hosts {
    pub fn of(url: &str) -> Self {
        let each = split(url);
        let patience = if each.len() > 1 { PATIENCE_OF_SEVERAL } else { PATIENCE };
        Hosts(each.iter().map(|url| bounded(url, patience).into_owned()).collect())
    }

    /// Servers for reading, also standbys.
    pub fn of_standby(url: &str) -> Self {
        Hosts(
            Self::of(url)
                .0
                .into_iter()
                .map(|url| url.replace("target_session_attrs=read-write", "target_session_attrs=any"))
                .collect(),
        )
    }

    /// Opens a connection to the server that accepted the last one, otherwise to the first that accepts it.
    ///
    /// # Errors
    /// The errors of all servers, or of the only one.
    pub fn connect(&self) -> ConnectionResult<PgConnection> {
        let last = self.last();
        let others = (0..self.0.len()).filter(|at| *at != last);
        let mut errors = Vec::new();
        for at in std::iter::once(last).chain(others) {
            let Some(url) = self.0.get(at) else { continue };
            match PgConnection::establish(url) {
                Ok(connection) => {
                    self.remember(at);
                    return Ok(connection);
                }
                Err(error) if self.0.len() == 1 => return Err(error),
                Err(error) => errors.push(error.to_string()),
            }
        }
        Err(ConnectionError::BadConnection(errors.join("; ")))
    }

    /// The number of servers.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The URL of the server that accepted the last connection.
    pub fn preferred(&self) -> &str {
        self.0.get(self.last()).map_or("", String::as_str)
    }

    fn last(&self) -> usize {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().and_then(|last| last.get(&self.0)).copied().unwrap_or(0)
    }

    fn remember(&self, at: usize) {
        if at == self.last() {
            return;
        }
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.get_or_insert_default().insert(self.0.clone(), at);
    }
}

/// One URL for each server of the URL.
fn split(url: &str) -> Vec<String> {
    let whole = || vec![url.to_owned()];
    let Some(begin) = url.find("://").map(|at| at + 3) else { return whole() };
    let after = url.get(begin..).unwrap_or_default();
    // As libpq: user and password end at an `@` that comes before the first `/`.
    let begin =
        begin + after.find(['@', '/']).filter(|at| after[*at..].starts_with('@')).map_or(0, |at| at + 1);
    let (head, rest) = url.split_at(begin);
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let servers: Vec<&str> = authority.split(',').collect();
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    let parameters: Vec<(&str, Vec<String>)> = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_list = ["host", "hostaddr", "port"].contains(&name);
            let value =
                if is_list { value.replace("%2C", ",").replace("%2c", ",") } else { value.to_owned() };
            let values = if is_list { value.split(',').map(str::to_owned).collect() } else { vec![value] };
            (name, values)
        })
        .collect();
    let count = parameters.iter().map(|(_, values)| values.len()).chain([servers.len()]).max().unwrap_or(1);
    if count == 1 {
        return whole();
    }
    // A single value applies to all servers.
    let of = |at: usize| {
        let server = servers.get(at).or(servers.first()).copied().unwrap_or_default();
        let own = |(name, values): &(&str, Vec<String>)| {
            format!("{name}={}", values.get(at).or(values.first()).map_or("", String::as_str))
        };
        let query = parameters.iter().map(own).collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{head}{server}{path}{mark}{query}")
    };
    (0..count).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_its_servers() {
        for (url, each) in [
            ("postgresql://mesa:a@db:5432/mesa", vec!["postgresql://mesa:a@db:5432/mesa"]),
            (
                "postgresql://mesa:a,b@one:5433,two,[::1]:1/mesa?sslmode=require",
                vec![
                    "postgresql://mesa:a,b@one:5433/mesa?sslmode=require",
                    "postgresql://mesa:a,b@two/mesa?sslmode=require",
                    "postgresql://mesa:a,b@[::1]:1/mesa?sslmode=require",
                ],
            ),
            (
                "postgresql://one:1,two:2/mesa?hostaddr=10.0.0.1,10.0.0.2&sslmode=require",
                vec![
                    "postgresql://one:1/mesa?hostaddr=10.0.0.1&sslmode=require",
                    "postgresql://two:2/mesa?hostaddr=10.0.0.2&sslmode=require",
                ],
            ),
            ("postgresql://one,two", vec!["postgresql://one", "postgresql://two"]),
            ("postgresql://one/a,b@c", vec!["postgresql://one/a,b@c"]),
            (
                "postgresql://mesa:x@/mesa?host=one%2Ctwo&port=5433",
                vec![
                    "postgresql://mesa:x@/mesa?host=one&port=5433",
                    "postgresql://mesa:x@/mesa?host=two&port=5433",
                ],
            ),
            (
                "postgresql:///mesa?port=1,2&host=%2Ftmp,b",
                vec!["postgresql:///mesa?port=1&host=%2Ftmp", "postgresql:///mesa?port=2&host=b"],
            ),
            ("postgresql:///mesa?host=%2Ftmp", vec!["postgresql:///mesa?host=%2Ftmp"]),
            ("host=a,b", vec!["host=a,b"]),
        ] {
            assert_eq!(split(url), each, "{url}");
        }
    }

    #[test]
    fn the_server_that_accepted_the_last_connection_is_preferred() {
        let hosts = Hosts::of("postgresql://first-of-a-test,second-of-a-test/mesa");
        assert!(
            hosts.preferred().contains("//first-of-a-test/")
                && hosts.preferred().contains("connect_timeout=2")
        );
        hosts.remember(1);
        let same = Hosts::of("postgresql://first-of-a-test,second-of-a-test/mesa");
        assert!(same.preferred().contains("//second-of-a-test/"));
        let other = Hosts::of("postgresql://first-of-a-test,third-of-a-test/mesa");
        assert!(other.preferred().contains("//first-of-a-test/"));
        assert!(Hosts::of("postgresql://db").preferred().contains("connect_timeout=5"));
    }
}
