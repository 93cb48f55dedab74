//! The database URLs of the server and of commands, and the migrations.

use std::time::{Duration, Instant};

use diesel::ConnectionError;
use diesel::pg::PgConnection;

use crate::config::{Config, Migrate};
use crate::db::hosts::Hosts;
use crate::db::migrations::{self, Standing};
use crate::db::pooler;
use crate::db::private::PrivatePostgres;
use crate::db::server_role::{self, DatabaseUrls};
use crate::db::session::{self, Bounds};
use crate::problem::StartError;

/// How often the start tries to connect to a database that does not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it says so in the log.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The database URLs: those of the private PostgreSQL, if there is one.
pub fn urls(config: &Config, private: Option<&PrivatePostgres>) -> DatabaseUrls {
    if let Some(private) = private {
        let (owner, server) = (private.url().to_owned(), private.server_url().to_owned());
        return DatabaseUrls { owner, server, pooler: None, is_private: true };
    }
    let configured = config.database_url.clone().unwrap_or_default();
    let (server, pooler) = match &config.direct_database_url {
        Some(direct) => (direct.clone(), Some(configured)),
        None => (configured, None),
    };
    let owner = config.owner_database_url.clone().unwrap_or_else(|| server.clone());
    DatabaseUrls { owner, server, pooler, is_private: false }
}

/// Waits until the database answers, and migrates it or verifies its schema.
///
/// # Errors
/// A text for the operator, if waiting does not help.
pub(super) fn begin(urls: &DatabaseUrls, migrate: Migrate) -> Result<(), StartError> {
    if migrate == Migrate::Apply {
        wait_for(&Hosts::of(&urls.owner))?;
        apply(urls)?;
    }
    wait_for(&Hosts::of(&urls.server))?;
    check_direct(urls)?;
    check_schema(&mut session::open(&urls.server, Bounds::Command)?, migrate)?;
    if let Some(pooler) = &urls.pooler {
        wait_for(&Hosts::of(pooler))?;
        pooler::prepare(urls)?;
    }
    Ok(())
}

/// The same for a server that only reads: waits until the database answers, and verifies its schema.
///
/// # Errors
/// A text for the operator, if waiting does not help.
pub(super) fn begin_reading(urls: &DatabaseUrls, migrate: Migrate) -> Result<(), StartError> {
    let hosts = Hosts::of_standby(&urls.server);
    wait_for(&hosts)?;
    let mut connection = session::on(&hosts, Bounds::Command)?;
    pooler::check_direct(hosts, variable(urls))?;
    // Nothing is applied here.
    let migrate = if migrate == Migrate::Apply { Migrate::Verify } else { migrate };
    check_schema(&mut connection, migrate)
}

/// Checks the schema as far as the start has to.
fn check_schema(connection: &mut PgConnection, migrate: Migrate) -> Result<(), StartError> {
    match migrate {
        Migrate::Apply => Ok(()),
        Migrate::Verify => verify(connection),
        Migrate::Never if migrations::has_any(connection)? => Ok(()),
        Migrate::Never => Err("the database has no tables of Mesa: run `mesa migrate`".into()),
    }
}

/// Checks that the URLs for sessions name no pooler that has none.
fn check_direct(urls: &DatabaseUrls) -> Result<(), StartError> {
    if urls.is_private {
        return Ok(());
    }
    pooler::check_direct(Hosts::of(&urls.server), variable(urls))
}

/// The variable with the URL for sessions.
fn variable(urls: &DatabaseUrls) -> &'static str {
    if urls.pooler.is_some() { "MESA_DIRECT_DATABASE_URL" } else { "DATABASE_URL" }
}

/// The first connection. A database that does not answer yet is waited for; what the operator must correct is an error.
fn wait_for(hosts: &Hosts) -> Result<(), StartError> {
    let mut logged_at = None::<Instant>;
    loop {
        match hosts.connect() {
            Ok(_) => return Ok(()),
            // With several servers the errors of all are in one text, and another one may come up.
            Err(error) if hosts.count() == 1 && !is_temporary(&error) => return Err(no_connection(&error)),
            Err(error) => {
                if logged_at.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
                    logged_at = Some(Instant::now());
                    let error = error.to_string().replace('\n', " ");
                    log::warn!("waiting for the database (DATABASE_URL): {error}");
                }
            }
        }
        std::thread::sleep(AGAIN);
    }
}

/// Whether the same attempt may succeed later: not with a wrong password or name, or a URL that cannot be read. Errors of
/// the server are in its language.
fn is_temporary(error: &ConnectionError) -> bool {
    const PASSING: [&str; 12] = [
        "starting up",
        "shutting down",
        "recovery",
        "standby",
        "too many",
        "remaining connection slots",
        "iniciándose",
        "apagándose",
        "apagando",
        "recuperación",
        "demasiad",
        "reservados",
    ];
    const OF_CLIENT: [&str; 9] = [
        "no password supplied",
        "pg_hba.conf",
        "invalid",
        "Permission denied",
        "does not support SSL",
        "certificate verify failed",
        "does not match host name",
        "could not match",
        "end of string",
    ];
    let ConnectionError::BadConnection(text) = error else {
        return matches!(error, ConnectionError::CouldntSetupConfiguration(_));
    };
    let has = |words: &[&str]| words.iter().any(|words| text.contains(words));
    // A pooler or PostgreSQL refused the connection: for now, or for good.
    let is_refused = text.contains("FATAL");
    if is_refused { has(&PASSING) } else { !has(&OF_CLIENT) }
}

fn no_connection(error: &ConnectionError) -> StartError {
    format!("cannot connect to the database (DATABASE_URL): {error}").into()
}

/// Checks that the database has the schema of this version, or one that it can serve.
fn verify(connection: &mut PgConnection) -> Result<(), StartError> {
    let standing = migrations::standing(connection)?;
    check_compatible(&standing)?;
    match standing.pending {
        0 => Ok(()),
        1 => Err("1 migration is pending: run `mesa migrate`, or set MESA_MIGRATE=apply".into()),
        more => {
            Err(format!("{more} migrations are pending: run `mesa migrate`, or set MESA_MIGRATE=apply")
                .into())
        }
    }
}

/// Refuses a database of a later version that this one cannot serve.
fn check_compatible(standing: &Standing) -> Result<(), StartError> {
    match &standing.unknown {
        Some(unknown) if !standing.is_compatible => Err(format!(
            "the database has the schema of a later version of Mesa (migration {unknown}), which this version cannot \
             serve: start the later version"
        )
        .into()),
        Some(unknown) => {
            log::warn!("the database has the schema of a later version of Mesa (migration {unknown})");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Applies the pending migrations; instances of the server that start at the same time wait for one another.
///
/// # Errors
/// A text for the operator.
pub fn migrate(url: &str) -> Result<usize, StartError> {
    let mut connection = session::open(url, Bounds::Command).map_err(|error| no_connection(&error))?;
    session::check_language(&mut connection)?;
    session::check_schema(&mut connection)?;
    check_compatible(&migrations::standing(&mut connection)?)?;
    let applied = migrations::apply(&mut connection).map_err(|error| {
        format!(
            "cannot apply migrations: {error}. Where the user in DATABASE_URL does not own the tables, give the owner to \
             MESA_OWNER_DATABASE_URL"
        )
    })?;
    if applied > 0 {
        log::info!("applied {applied} migrations");
    }
    Ok(applied)
}

/// The same as [migrate], as the owner of the tables; also grants the server's role its privileges if it is another
/// role and lacks some.
pub fn migrate_as_owner(urls: &DatabaseUrls) -> Result<usize, StartError> {
    let applied = apply(urls)?;
    check_direct(urls)?;
    Ok(applied)
}

fn apply(urls: &DatabaseUrls) -> Result<usize, StartError> {
    if urls.are_different() && !urls.is_private {
        pooler::check_direct(Hosts::of(&urls.owner), "MESA_OWNER_DATABASE_URL")?;
    } else {
        check_direct(urls)?;
    }
    let applied = migrate(&urls.owner)?;
    if urls.are_different() {
        prepare_server_role(urls)?;
    }
    Ok(applied)
}

pub(super) fn prepare_server_role(urls: &DatabaseUrls) -> Result<(), StartError> {
    let prepared = server_role::prepare(&mut session::open(&urls.owner, Bounds::Command)?, urls);
    prepared.map_err(|error| format!("cannot grant the server's role its privileges: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_does_not_answer_is_waited_for_and_a_wrong_url_is_not() {
        for (text, passes) in [
            ("connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection refused", true),
            ("could not translate host name \"db\" to address: Name or service not known", true),
            ("connection to server at \"db\" failed: FATAL:  the database system is starting up", true),
            ("connection to server at \"db\" failed: session is read-only", true),
            ("FATAL:  sorry, too many clients already", true),
            ("FATAL:  el sistema de base de datos está iniciándose", true),
            ("FATAL:  la autentificación password falló para el usuario «mesa»", false),
            ("SSL error: certificate verify failed", false),
            ("FATAL:  password authentication failed for user \"mesa\"", false),
            ("FATAL:  database \"mesaa\" does not exist", false),
            ("FATAL:  no pg_hba.conf entry for host \"10.0.0.2\"", false),
            ("invalid URI query parameter: \"conect_timeout\"", false),
        ] {
            assert_eq!(is_temporary(&ConnectionError::BadConnection(text.to_owned())), passes, "{text}");
        }
    }
}
