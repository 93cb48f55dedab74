//! From the configuration to a running server, and back down.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::rt::SystemRunner;
use actix_web::web::Data;
use diesel::PgConnection;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::Backlog;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, Contract};
use crate::auth::policy::Role;
use crate::auth::tokens::{self, Tokens};
use crate::config::{Config, reachable};
use crate::db::private::PrivatePostgres;
use crate::db::session::{self, Bounds};
use crate::db::{Db, migrations};
use crate::desk::Desk;
use crate::http::limits::Limits;
use crate::http::traffic::Traffic;
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

/// Open files beside connections of clients: for PostgreSQL, mail, and files that are read and written.
const OTHER_FILES: u64 = 256;

/// The most connections of clients that a worker has at a time; further ones wait in the system's queue.
const CONNECTIONS: u64 = 25_000;

/// How many threads a worker has for what takes long but for the database: files, calendars, passwords.
const BLOCKING: usize = 4;

/// How long a connection is kept for a next request: longer than proxies keep theirs, so that none sends a request into one
/// that ends.
const IDLE: Duration = Duration::from_secs(75);

/// How long the line and the headers of a request may take to arrive.
const HEADERS: Duration = Duration::from_secs(10);

/// How long a connection that ends may take to do so.
const GOODBYE: Duration = Duration::from_secs(5);

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
    let url = match private {
        Some(private) => private.url().to_owned(),
        None => config.database_url.clone().unwrap_or_default(),
    };
    migrate(&url)?;
    let desk = desk(config, &url)?;
    let config = &desk.config;
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
fn desk(config: Config, url: &str) -> Result<Desk, StartError> {
    let db = Db::connect(url, config.pool_size)?;
    let secret = match &config.jwt_secret {
        Some(secret) => secret.clone(),
        None => kept(&config.data_dir, "jwt.secret")?,
    };
    let tokens = Tokens::new(&secret, config.jwt_previous_secret.as_deref());
    let files = files(&config)?;
    let limits = Limits::new(config.rate_limit);
    Ok(Desk { db, tokens, files, config, traffic: Traffic::default(), limits })
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
    let done = desk(config, private.url()).map(|desk| system.block_on(act(&desk)));
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
    let (workers, desk, contract) = (desk.config.workers, Data::new(desk), app::shared(contract));
    let routine = actix_web::rt::spawn(routine::run(desk.clone()));
    let mail = Worker::start(desk.clone())?;
    let mailbox = actix_web::rt::spawn(inbound::imap::run(desk.clone()));
    // To whoever speaks TLS there is nothing to say without it.
    let late = if certificate.is_some() { None } else { Some(listener.try_clone()?) };
    let server = HttpServer::new(move || app::app(desk.clone(), contract.clone()))
        .workers(workers)
        .max_connections(connections(workers))
        .worker_max_blocking_threads(BLOCKING)
        // What is sent in pieces, such as a file, does not wait for the client to confirm the one before.
        .tcp_nodelay(true)
        .keep_alive(IDLE)
        .client_request_timeout(HEADERS)
        .client_disconnect_timeout(GOODBYE)
        .shutdown_timeout(LAST_REQUESTS)
        .disable_signals();
    let server = match &certificate {
        Some(certificate) => server.listen_rustls_0_23(listener, certificate.server()?)?.run(),
        None => server.listen(listener)?.run(),
    };
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

/// How many connections of clients each worker may have: as many as the system lets this process have files open, which
/// is raised as far as it may be.
fn connections(workers: usize) -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    // macOS takes no more than this for all processes.
    let wanted = hard.min(CONNECTIONS * 4 + OTHER_FILES).max(soft);
    let open = if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft };
    let each = open.saturating_sub(OTHER_FILES) / u64::try_from(workers).unwrap_or(1).max(1);
    usize::try_from(each.clamp(64, CONNECTIONS)).unwrap_or(64)
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
    let applied = migrations::apply(&mut connection)?;
    if applied > 0 {
        log::info!("applied {applied} migrations");
    }
    Ok(applied)
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

/// Where the content of files is kept: a folder, or an S3 bucket with the usual `AWS_…` variables.
pub fn files(config: &Config) -> Result<Arc<dyn ObjectStore>, StartError> {
    let folder = |path: &Path| -> Result<Arc<dyn ObjectStore>, StartError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
            format!("cannot make the folder {} (MESA_ATTACHMENTS_URL): {error}", path.display())
        })?;
        Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
    };
    match config.attachments_url.as_deref() {
        None => folder(&config.data_dir.join("attachments")),
        Some(url) if url.starts_with("s3://") => {
            let wrong = |error: &dyn std::fmt::Display| format!("MESA_ATTACHMENTS_URL: {error}");
            let parsed = url::Url::parse(url).map_err(|error| wrong(&error))?;
            let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build();
            let bucket = bucket.map_err(|error| wrong(&error))?;
            let prefix = object_store::path::Path::from(parsed.path());
            Ok(Arc::new(PrefixStore::new(bucket, prefix)))
        }
        Some(path) => folder(Path::new(path.strip_prefix("file://").unwrap_or(path))),
    }
}
