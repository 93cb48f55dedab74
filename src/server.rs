//! From the configuration to a running server, and back down.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::SystemRunner;
use actix_web::web::Data;
use diesel::PgConnection;
use nix::sys::socket::Backlog;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, Contract};
use crate::attachments::slots::UploadSlots;
use crate::audit::configuration;
use crate::auth::policy::Role;
use crate::auth::tokens::{self, Tokens};
use crate::backup::key::BackupKey;
use crate::config::audit_keys::{PublicKey, Signer};
use crate::config::{AuditConfig, Config, key_name, reachable};
use crate::db::private::PrivatePostgres;
use crate::db::server_role::{self, DatabaseUrls};
use crate::db::session::{self, Bounds};
use crate::db::{Db, migrations};
use crate::desk::Desk;
use crate::http::body_memory::BodyMemory;
use crate::http::limits::Limits;
use crate::http::traffic::Traffic;
use crate::http_server;
use crate::inbound;
use crate::late;
use crate::mail::worker::Worker;
use crate::people::demo;
use crate::routine;
use crate::tls::Certificate;

/// Why the server did not start, in words for whoever started it.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// How long requests that are being answered and mail that is being sent may take once the server is asked to stop, in
/// seconds: longer than PostgreSQL may take over a statement.
const LAST_REQUESTS: u64 = 20;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// In words for whoever started it.
pub fn serve(mut config: Config) -> Result<(), StartError> {
    let contract = Contract::new()?;
    let certificate = config.tls.clone().map(Certificate::open).transpose()?;
    // Before PostgreSQL is started: a port in use should cost nothing.
    let listener = listen(&config)?;
    // The port that was found where any would do.
    config.listen = listener.local_addr()?;
    // From here on a signal asks for an end in good order, however far the start has come.
    let (system, stop) = hold_signals()?;
    let private = match &config.database_url {
        Some(_) => None,
        None => Some(PrivatePostgres::start(&config.data_dir)?),
    };
    let opened = open(config, private.as_ref());
    let watched = private.map(PrivatePostgres::watched).transpose()?;
    let served = opened.and_then(|(desk, greeting)| {
        system.block_on(answer(desk, contract, listener, certificate, greeting, stop))
    });
    drop(watched);
    // It would wait for threads that wait for a PostgreSQL that stands still; they end with the process.
    std::mem::forget(system);
    served
}

/// From now on SIGTERM, SIGINT and SIGHUP do not end the process, so that what was begun is ended in good order.
///
/// # Errors
/// What the system answered.
pub fn hold_signals() -> std::io::Result<(SystemRunner, Stop)> {
    let system = actix_web::rt::System::new();
    let stop = system.block_on(async { Stop::listen() })?;
    Ok((system, stop))
}

/// The signals that end the server.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// None where it has another meaning.
    hangup: Option<Signal>,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: Some(signal(SignalKind::hangup())?),
        })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = async {
                match &mut self.hangup {
                    Some(hangup) => drop(hangup.recv().await),
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
}

fn listen(config: &Config) -> Result<TcpListener, StartError> {
    // As many as the system allows may knock at once; the standard library's 128 are a small crowd.
    let listener = TcpListener::bind(config.listen)
        .and_then(|listener| Ok(nix::sys::socket::listen(&listener, Backlog::MAXCONN).map(|()| listener)?));
    listener.map_err(|error| {
        let address = config.listen;
        match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{address} is in use by another program; stop it, or set MESA_LISTEN to another address and port"
            ),
            ErrorKind::PermissionDenied => {
                format!("this user may not listen on {address}; set MESA_LISTEN to a port from 1024 on")
            }
            _ => format!("cannot listen on {address} (MESA_LISTEN): {error}"),
        }
        .into()
    })
}

/// The desk on its database, and what to say of it.
fn open(config: Config, private: Option<&PrivatePostgres>) -> Result<(Desk, String), StartError> {
    let urls = urls(&config, private);
    migrate_as_owner(&urls)?;
    let desk = desk(config, &urls.server)?;
    let config = &desk.config;
    configuration::record(&mut *desk.db.connection()?, config).map_err(|problem| problem.log_line())?;
    warn_of_weak_audit(config, &mut *desk.db.connection()?)?;
    let (password, roles) = match private {
        Some(_) => demo_accounts(config, &mut *desk.db.connection()?)?,
        None => (String::new(), Vec::new()),
    };
    let mut greeting = greeting(config, !roles.is_empty());
    for role in roles {
        greeting.push_str(&format!("\n  {:<24} {password}", demo::email(role)));
    }
    Ok((desk, greeting))
}

/// As whom to connect: to the private PostgreSQL, where one is given.
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

/// Says what would let whoever controls the server or the database rewrite the history unseen.
fn warn_of_weak_audit(config: &Config, db: &mut PgConnection) -> Result<(), StartError> {
    if config.audit.signer.is_none() {
        log::warn!(
            "no key is configured ({}): no tree heads are signed, and whoever owns the database can rewrite the history \
             undetected",
            AuditConfig::KEY
        );
    }
    if server_role::can_change_schema(db)? {
        log::warn!(
            "the user in DATABASE_URL owns the tables or is a superuser, and can disable what protects the history: give \
             the server a role of its own and the owner to MESA_OWNER_DATABASE_URL"
        );
    }
    Ok(())
}

/// Prepares the demo accounts of a private database; answers their password and those that have it.
///
/// # Errors
/// In words for whoever started it.
pub fn demo_accounts(config: &Config, db: &mut PgConnection) -> Result<(String, Vec<Role>), StartError> {
    let password = match &config.demo_password {
        Some(password) => password.clone(),
        None => kept(&config.data_dir, "demo.password")?,
    };
    let roles = demo::prepare(db, &password)?;
    Ok((password, roles))
}

/// The desk on the database of this URL.
fn desk(mut config: Config, url: &str) -> Result<Desk, StartError> {
    if config.audit.signer.is_none() && config.database_url.is_none() {
        let secret = kept(&config.data_dir, AUDIT_KEY)?;
        config.audit.signer = audit_signer(&config, &secret)?;
    }
    let db = Db::connect(url, config.pool_size)?;
    let secret = match &config.jwt_secret {
        Some(secret) => secret.clone(),
        None => kept(&config.data_dir, "jwt.secret")?,
    };
    let tokens = Tokens::new(&secret, config.jwt_previous_secret.as_deref());
    let files = files(&config)?;
    let limits = Limits::new(config.rate_limit);
    let body_memory = BodyMemory::new(config.body_memory_bytes);
    let uploads = UploadSlots::default();
    Ok(Desk { db, tokens, files, config, traffic: Traffic::default(), limits, body_memory, uploads })
}

/// The name of the file in the data folder that has the key of tree heads.
const AUDIT_KEY: &str = "audit.key";

fn audit_signer(config: &Config, secret: &str) -> Result<Option<Arc<Signer>>, StartError> {
    let signer = Signer::new(&key_name(config.public_url.as_deref()), secret);
    let path = config.data_dir.join(AUDIT_KEY);
    let signer =
        signer.ok_or_else(|| format!("{} is no key: expected 32 bytes in base64", path.display()))?;
    Ok(Some(Arc::new(signer)))
}

/// The keys that tree heads are verified with: those of the configuration, and of the data folder where it has one.
pub fn audit_keys(config: &Config) -> Result<Vec<PublicKey>, StartError> {
    let mut audit = config.audit.clone();
    if audit.signer.is_none()
        && config.database_url.is_none()
        && let Ok(secret) = fs::read_to_string(config.data_dir.join(AUDIT_KEY))
    {
        audit.signer = audit_signer(config, &secret)?;
    }
    Ok(audit.public_keys())
}

/// Gives a command the desk with one connection, on the private PostgreSQL where no other is configured.
///
/// # Errors
/// In words for whoever called the command.
pub fn with_desk<T>(config: Config, act: impl AsyncFnOnce(&Desk) -> T) -> Result<T, StartError> {
    let config = Config { pool_size: 1, ..config };
    if let Some(url) = config.database_url.clone() {
        let desk = desk(config, &url)?;
        return Ok(actix_web::rt::System::new().block_on(act(&desk)));
    }
    let (system, _stop) = hold_signals()?;
    let private = PrivatePostgres::join(&config.data_dir)?;
    let urls = urls(&config, Some(&private));
    let prepared = prepare_server_role(&urls).and_then(|()| desk(config, &urls.server));
    let done = prepared.map(|desk| system.block_on(act(&desk)));
    private.stop();
    done
}

/// Answers requests until it is asked to stop, and then those that are on their way.
async fn answer(
    desk: Desk,
    contract: Contract,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    greeting: String,
    mut stop: Stop,
) -> Result<(), StartError> {
    let (desk, contract) = (Data::new(desk), app::shared(contract));
    let routine = actix_web::rt::spawn(routine::run(desk.clone()));
    let mail = Worker::start(desk.clone())?;
    let mailbox = actix_web::rt::spawn(inbound::imap::run(desk.clone()));
    // To whoever speaks TLS there is nothing to say without it.
    let late = if certificate.is_some() { None } else { Some(listener.try_clone()?) };
    let tls = certificate.as_ref().map(|certificate| certificate.server()).transpose()?;
    let server = http_server::start(desk, contract, listener, tls, LAST_REQUESTS)?;
    let renewing = certificate
        .and_then(|certificate| Some(renew(certificate, stop.hangup.take()?)))
        .map(actix_web::rt::spawn);
    let handle = server.handle();
    let stopping = actix_web::rt::spawn(async move {
        stop.asked().await;
        log::info!("stopping");
        let last_mail = async {
            if let Some(mail) = mail {
                mail.stop(Duration::from_secs(LAST_REQUESTS)).await;
            }
        };
        let last_requests = async {
            handle.pause().await;
            // It stops as soon as it is called, and not only where it is waited for.
            let end = async { handle.stop(true).await };
            match late {
                Some(late) => late::turn_away(late, end).await,
                None => end.await,
            }
        };
        tokio::join!(last_requests, last_mail);
    });
    println!("{greeting}\n");
    let served = server.await;
    routine.abort();
    mailbox.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    // Where the server ended by itself, nobody asked for it.
    if served.is_ok() {
        let _ = stopping.await;
    }
    Ok(served?)
}

/// Reads the certificate again whenever SIGHUP asks for it: connections from then on are made with the new one.
async fn renew(certificate: Arc<Certificate>, mut asked: Signal) {
    while asked.recv().await.is_some() {
        match certificate.renew() {
            Ok(()) => log::info!("the certificate was read again"),
            Err(why) => log::error!("the certificate stays as it was: {why}"),
        }
    }
}

fn greeting(config: &Config, with_accounts: bool) -> String {
    let shown = reachable(config.listen);
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let accounts = if with_accounts { "\nSign in with one of these accounts:" } else { "" };
    format!("\nMesa is ready: {scheme}://{shown}/docs/{accounts}")
}

/// Applies the migrations that are pending; copies of the server that start together wait for one another.
///
/// # Errors
/// In words for whoever started it.
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

/// The same as the owner of the tables, and grants the server's role what it needs where that is another one.
pub fn migrate_as_owner(urls: &DatabaseUrls) -> Result<usize, StartError> {
    let applied = migrate(&urls.owner)?;
    if urls.are_different() {
        prepare_server_role(urls)?;
    }
    Ok(applied)
}

fn prepare_server_role(urls: &DatabaseUrls) -> Result<(), StartError> {
    let prepared = server_role::prepare(&mut session::open(&urls.owner, Bounds::Command)?, urls);
    prepared.map_err(|error| format!("cannot grant the server's role what it needs: {error}").into())
}

/// A secret of this data folder: made at the first start, for this user's eyes alone.
fn kept(data_dir: &Path, name: &str) -> Result<String, StartError> {
    let path = data_dir.join(name);
    match fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
    }
    let secret = tokens::random()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    Ok(secret)
}

/// The key that authenticates backups.
///
/// # Errors
/// A text for whoever called the command, if none is configured and none can be kept in the data folder.
pub fn backup_key(config: &Config) -> Result<BackupKey, StartError> {
    match (&config.backup_key, &config.database_url) {
        (Some(key), _) => Ok(BackupKey::new(key)),
        (None, None) => Ok(BackupKey::new(&kept(&config.data_dir, "backup.key")?)),
        (None, Some(_)) => Err(
            "set MESA_BACKUP_KEY or MESA_BACKUP_KEY_FILE where DATABASE_URL is set: the key, of 32 bytes or \
            more, authenticates backups and is kept apart from them (`openssl rand -hex 32` makes one)"
                .into(),
        ),
    }
}

/// Where the content of files is kept: a folder, or an S3 bucket with the usual `AWS_…` variables.
pub fn files(config: &Config) -> Result<Arc<dyn ObjectStore>, StartError> {
    let folder = |path: &Path| -> Result<Arc<dyn ObjectStore>, StartError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
            format!("cannot make the folder {} (MESA_ATTACHMENTS_URL): {error}", path.display())
        })?;
        Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
    };
    match (config.attachments_folder(), config.attachments_url.as_deref()) {
        (Some(path), _) => folder(&path),
        (None, url) => {
            let url = url.unwrap_or_default();
            let wrong = |error: &dyn std::fmt::Display| format!("MESA_ATTACHMENTS_URL: {error}");
            let parsed = url::Url::parse(url).map_err(|error| wrong(&error))?;
            let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build();
            let bucket = bucket.map_err(|error| wrong(&error))?;
            let prefix = object_store::path::Path::from(parsed.path());
            Ok(Arc::new(PrefixStore::new(bucket, prefix)))
        }
    }
}
