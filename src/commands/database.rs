//! The database of a command: the configured one, otherwise the private one.

use std::sync::Arc;

use object_store::ObjectStore;

use crate::config::Config;
use crate::db::private::PrivatePostgres;
use crate::db::server_role::DatabaseUrls;
use crate::problem::StartError;
use crate::server;

/// Passes the URLs of the database, those of the private one if none is configured.
pub fn with_database<T>(
    act: impl FnOnce(&Config, &DatabaseUrls) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let config = Config::from_env()?;
    if config.database_url.is_some() {
        return act(&config, &server::urls(&config, None));
    }
    let _signals = server::hold_signals()?;
    let private = PrivatePostgres::join(&config.data_dir)?;
    let done = act(&config, &server::urls(&config, Some(&private)));
    private.stop();
    done
}

/// The same as [with_database], with the location of file contents.
pub fn with_files(
    act: impl AsyncFnOnce(&Config, &DatabaseUrls, Arc<dyn ObjectStore>) -> Result<(), StartError>,
) -> Result<(), StartError> {
    with_database(|config, urls| {
        let files = server::files(config)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(act(config, urls, files))
    })
}
