//! Starting, running and stopping the server.

mod background;
mod connection;
mod database;
mod desk;
mod draining;
mod files;
mod http_server;
mod parser_problem;
pub mod routine;
mod secrets;
mod signals;
mod tls;
mod tls_handshakes;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use diesel::PgConnection;
use futures_util::future::join_all;
use nix::sys::socket::Backlog;
use tokio::signal::unix::Signal;

use self::background::Background;
use self::desk::desk;
use self::signals::Stop;
use self::tls::Certificate;
use crate::app::{self, Contract};
use crate::audit::configuration;
use crate::config::{AuditConfig, Config, reachable};
use crate::db::Db;
use crate::db::private::PrivatePostgres;
use crate::db::server_role::{self, DatabaseUrls};
use crate::http::desk::{Desk, Phase};
use crate::inbound;
use crate::jobs::worker::Jobs;
use crate::mail::worker::Mailer;
use crate::people::demo;
use crate::problem::StartError;
use crate::telemetry::traces::Traces;
use crate::tickets;
use crate::webhooks::worker::Sender;

pub use self::database::{migrate, migrate_as_owner, urls};
pub use self::desk::{demo_accounts, with_desk};
pub use self::files::files;
pub use self::secrets::{audit_keys, backup_key};
pub use self::signals::hold_signals;

/// How long open requests and mail in transmission may take after the server is asked to stop, in seconds: longer
/// than the statement timeout of PostgreSQL.
const LAST_REQUESTS: u64 = 20;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// A text for the operator.
pub fn serve(mut config: Config) -> Result<(), StartError> {
    let contract = Contract::new()?;
    // Dropped last: it sends the last spans.
    let traces = config.otlp_endpoint.as_deref().map(Traces::start).transpose()?;
    let certificate = config.tls.clone().map(Certificate::open).transpose()?;
    // Before PostgreSQL is started, so that a port in use is reported immediately.
    let listener = listen(&config)?;
    // The port that the system chose, if any port was allowed.
    config.listen = listener.local_addr()?;
    // From here on a signal leads to an orderly shutdown, even during the start.
    let (system, stop) = hold_signals()?;
    let private = match &config.database_url {
        Some(_) => None,
        None => Some(PrivatePostgres::start(&config.data_dir)?),
    };
    let urls = urls(&config, private.as_ref());
    let has_demo_accounts = private.is_some();
    let watched = private.map(PrivatePostgres::watched).transpose()?;
    let db = match config.read_only {
        false => Db::new(&urls, config.pool_size)?,
        true => Db::of_standby(&urls.server, config.pool_size)?,
    };
    let served = desk(config, db).and_then(|desk| {
        desk.phase.send_replace(Phase::Starting);
        let start = Start { urls, has_demo_accounts };
        system.block_on(answer(Data::new(desk), start, contract, listener, certificate, stop))
    });
    drop(watched);
    // Dropping it would wait for threads that wait for a stopped PostgreSQL; they end with the process.
    std::mem::forget(system);
    drop(traces);
    served
}

fn listen(config: &Config) -> Result<TcpListener, StartError> {
    // The backlog is the system's maximum; the standard library's 128 is too small for bursts of connections.
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

/// What the start of the server does with its database.
struct Start {
    urls: DatabaseUrls,
    /// With a private PostgreSQL.
    has_demo_accounts: bool,
}

impl Start {
    /// Waits for the database, prepares it, and returns the text to print. Blocks.
    ///
    /// # Errors
    /// A text for the operator.
    fn carry_out(&self, desk: &Desk) -> Result<String, StartError> {
        let config = &desk.config;
        if config.read_only {
            database::begin_reading(&self.urls, config.migrate)?;
            return Ok(greeting(config, false) + "\nIt is read-only (MESA_READ_ONLY).");
        }
        database::begin(&self.urls, config.migrate)?;
        configuration::record(&mut *desk.db.connection()?, config).map_err(|problem| problem.log_line())?;
        warn_of_weak_audit(config, &mut *desk.db.connection()?)?;
        let (password, roles) = if self.has_demo_accounts {
            demo_accounts(config, &mut *desk.db.connection()?)?
        } else {
            (String::new(), Vec::new())
        };
        let mut greeting = greeting(config, !roles.is_empty());
        for role in roles {
            greeting.push_str(&format!("\n  {:<24} {password}", demo::email(role)));
        }
        Ok(greeting)
    }
}

/// Warns of configurations in which the operator of the server or the database could rewrite the history unnoticed.
fn warn_of_weak_audit(config: &Config, db: &mut PgConnection) -> Result<(), StartError> {
    if config.audit.signer.is_none() {
        log::warn!(
            "no key is configured ({}): no tree heads are signed, and the owner of the database can rewrite the history \
             undetected",
            AuditConfig::KEY
        );
    }
    if server_role::can_change_schema(db)? {
        log::warn!(
            "the user in DATABASE_URL owns the tables or is a superuser, and can disable the protection of the history: \
             use a separate role for the server and set MESA_OWNER_DATABASE_URL to the owner"
        );
    }
    Ok(())
}

/// Prepares the database, serves requests until it is asked to stop, and then completes the open requests. From the
/// beginning it answers the liveness check.
async fn answer(
    desk: Data<Desk>,
    start: Start,
    contract: Contract,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    mut stop: Stop,
) -> Result<(), StartError> {
    let contract = app::shared(contract);
    let late = listener.try_clone()?;
    let tls = certificate.as_ref().map(|certificate| certificate.server()).transpose()?;
    let serving = http_server::start(desk.clone(), contract.clone(), listener, tls, LAST_REQUESTS)?;
    let handle = serving.server.handle();
    let mut server = actix_web::rt::spawn(serving.server);
    let renewing = certificate
        .and_then(|certificate| Some(renew(certificate, stop.hangup.take()?)))
        .map(actix_web::rt::spawn);
    let starting = {
        let desk = desk.clone();
        actix_web::rt::task::spawn_blocking(move || start.carry_out(&desk))
    };
    let begun = tokio::select! {
        begun = starting => Some(begun?),
        () = stop.asked() => None,
        ended = &mut server => return Ok(ended??),
    };
    let Some(begun) = begun else {
        log::info!("stopping before the start was complete");
        desk.phase.send_replace(Phase::Stopping);
        handle.stop(true).await;
        return Ok(());
    };
    let greeting = match begun {
        Ok(greeting) => greeting,
        Err(why) => {
            desk.phase.send_replace(Phase::Stopping);
            handle.stop(true).await;
            return Err(why);
        }
    };
    desk.phase.send_replace(Phase::Serving);
    let work = match desk.config.read_only {
        false => Work::start(&desk, &contract)?,
        true => Work::default(),
    };
    println!("{greeting}\n");
    tokio::select! {
        () = stop.asked() => {}
        ended = &mut server => {
            work.abort();
            return Ok(ended??);
        }
    }
    drain(&desk, &mut stop).await;
    log::info!("stopping");
    desk.phase.send_replace(Phase::Stopping);
    let last_requests = async {
        handle.pause().await;
        // It stops when it is called, not when it is first polled.
        let end = async { handle.stop(true).await };
        draining::serve_last(late, serving.late, Duration::from_secs(LAST_REQUESTS), end).await;
    };
    tokio::join!(last_requests, work.stop());
    let served = server.await;
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    Ok(served??)
}

/// Serves as before, while the readiness check fails and connections are closed after their next response: so that no
/// balancer sends requests when the server stops. A second signal ends it.
async fn drain(desk: &Desk, stop: &mut Stop) {
    let seconds = desk.config.drain_seconds;
    if seconds == 0 {
        return;
    }
    log::info!("not ready any more; stopping in {seconds} s");
    desk.phase.send_replace(Phase::Draining);
    let _ = tokio::time::timeout(Duration::from_secs(seconds), stop.asked()).await;
}

/// What the server does beside requests. All of it changes rows.
#[derive(Default)]
struct Work {
    finishing: Vec<Background>,
    /// What may end at any moment.
    others: Vec<actix_web::rt::task::JoinHandle<()>>,
}

impl Work {
    fn start(desk: &Data<Desk>, contract: &Data<Contract>) -> Result<Self, StartError> {
        let mailer = desk.config.mail.clone().map(|config| Mailer::new(desk.clone(), config)).transpose()?;
        let sender = Sender::new(desk.clone())?;
        let jobs = Jobs {
            desk: desk.clone(),
            schemas: Arc::clone(contract.schemas()),
            carry_out: tickets::jobs::carry_out,
        };
        let mut finishing = vec![
            Background::start(|stopped| sender.run(stopped)),
            Background::start(|stopped| jobs.run(stopped)),
        ];
        finishing.extend(mailer.map(|mailer| Background::start(|stopped| mailer.run(stopped))));
        let routine = actix_web::rt::spawn(routine::run(desk.clone()));
        let mailbox = actix_web::rt::spawn(inbound::imap::run(desk.clone()));
        Ok(Work { finishing, others: vec![routine, mailbox] })
    }

    /// Ends it, within the time for the last requests.
    async fn stop(self) {
        let limit = Duration::from_secs(LAST_REQUESTS);
        join_all(self.finishing.into_iter().map(|work| work.stop(limit))).await;
        self.others.iter().for_each(actix_web::rt::task::JoinHandle::abort);
    }

    fn abort(self) {
        self.others.iter().for_each(actix_web::rt::task::JoinHandle::abort);
    }
}

/// Reads the certificate again on SIGHUP: new connections use the new one.
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
