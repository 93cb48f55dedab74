//! The database URLs of the server and of commands, and the migrations.

use crate::config::Config;
use crate::db::migrations;
use crate::db::private::PrivatePostgres;
use crate::db::server_role::{self, DatabaseUrls};
use crate::db::session::{self, Bounds};
use crate::problem::StartError;

/// The database URLs: those of the private PostgreSQL, if there is one.
pub fn urls(config: &Config, private: Option<&PrivatePostgres>) -> DatabaseUrls {
    match private {
        Some(private) => {
            DatabaseUrls { owner: private.url().to_owned(), server: private.server_url().to_owned() }
        }
        None => {
            let server = config.database_url.clone().unwrap_or_default();
            DatabaseUrls {
                owner: config.owner_database_url.clone().unwrap_or_else(|| server.clone()),
                server,
            }
        }
    }
}

/// Applies the pending migrations; instances of the server that start at the same time wait for one another.
///
/// # Errors
/// A text for the operator.
pub fn migrate(url: &str) -> Result<usize, StartError> {
    let mut connection = session::open(url, Bounds::Command)
        .map_err(|error| format!("cannot connect to the database (DATABASE_URL): {error}"))?;
    session::check_language(&mut connection)?;
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
/// role.
pub fn migrate_as_owner(urls: &DatabaseUrls) -> Result<usize, StartError> {
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
