//! The desk on its database, for the server and for commands.

use diesel::PgConnection;
use tokio::sync::{Notify, watch};

use super::database::{prepare_server_role, urls};
use super::files::files;
use super::secrets::{AUDIT_KEY, audit_signer, kept};
use super::signals::hold_signals;
use crate::auth::policy::Role;
use crate::auth::tokens::Tokens;
use crate::config::Config;
use crate::db::private::PrivatePostgres;
use crate::db::replica::Replica;
use crate::db::{Db, migrations};
use crate::http::body_memory::BodyMemory;
use crate::http::desk::{Desk, Phase};
use crate::http::limits::Limits;
use crate::http::traffic::Traffic;
use crate::http::upload_slots::UploadSlots;
use crate::people::demo;
use crate::problem::StartError;

/// Prepares the demo accounts of a private database; returns their password and the roles that have it.
///
/// # Errors
/// A text for the operator.
pub fn demo_accounts(config: &Config, db: &mut PgConnection) -> Result<(String, Vec<Role>), StartError> {
    let password = match &config.demo_password {
        Some(password) => password.clone(),
        None => kept(&config.data_dir, "demo.password")?,
    };
    let roles = demo::prepare(db, &password)?;
    Ok((password, roles))
}

/// The desk on this database.
pub(super) fn desk(mut config: Config, db: Db) -> Result<Desk, StartError> {
    if config.audit.signer.is_none() && config.database_url.is_none() {
        let secret = kept(&config.data_dir, AUDIT_KEY)?;
        config.audit.signer = audit_signer(&config, &secret)?;
    }
    let replica = match &config.read_url {
        Some(url) if !config.read_only => Some(Replica::new(Db::of_standby(url, config.pool_size)?)),
        _ => None,
    };
    let secret = match &config.jwt_secret {
        Some(secret) => secret.clone(),
        None => kept(&config.data_dir, "jwt.secret")?,
    };
    let tokens = Tokens::new(&secret, config.jwt_previous_secret.as_deref());
    let tokens = if config.read_only { tokens.for_reading() } else { tokens };
    let files = files(&config)?;
    let limits = Limits::new(config.rate_limit);
    let body_memory = BodyMemory::new(config.body_memory_bytes);
    let uploads = UploadSlots::default();
    let traffic = Traffic::new(&migrations::latest()?, vec![Box::new(db.waits().clone())])?;
    let admissions = Default::default();
    let (written, phase) = (Notify::new(), watch::Sender::new(Phase::Serving));
    Ok(Desk {
        db,
        replica,
        tokens,
        files,
        config,
        traffic,
        limits,
        sign_in_limits: Default::default(),
        body_memory,
        uploads,
        admissions,
        written,
        phase,
    })
}

/// Runs a command on the desk with one connection, on the private PostgreSQL if no other is configured.
///
/// # Errors
/// A text for the user of the command.
pub fn with_desk<T>(config: Config, act: impl AsyncFnOnce(&Desk) -> T) -> Result<T, StartError> {
    let config = Config { pool_size: 1, ..config };
    if config.database_url.is_some() {
        // A command uses one connection, which may be a session.
        let db = Db::connect(&urls(&config, None).server, config.pool_size)?;
        let desk = desk(config, db)?;
        return Ok(actix_web::rt::System::new().block_on(act(&desk)));
    }
    let (system, _stop) = hold_signals()?;
    let private = PrivatePostgres::join(&config.data_dir)?;
    let urls = urls(&config, Some(&private));
    let prepared = prepare_server_role(&urls).and_then(|()| {
        let db = Db::connect(&urls.server, config.pool_size)?;
        desk(config, db)
    });
    let done = prepared.map(|desk| system.block_on(act(&desk)));
    private.stop();
    done
}
