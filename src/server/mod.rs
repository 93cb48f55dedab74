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
use crate::db::private::PrivatePostgres;
use crate::db::server_role;
use crate::http::desk::Desk;
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
    let opened = open(config, private.as_ref());
    let watched = private.map(PrivatePostgres::watched).transpose()?;
    let served = opened.and_then(|(desk, greeting)| {
        system.block_on(answer(desk, contract, listener, certificate, greeting, stop))
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

/// The desk on its database, and the text to print about it.
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

/// Serves requests until it is asked to stop, and then completes the open requests.
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
    let mailer = desk.config.mail.clone().map(|config| Mailer::new(desk.clone(), config)).transpose()?;
    let sender = Sender::new(desk.clone())?;
    let jobs = Jobs {
        desk: desk.clone(),
        schemas: Arc::clone(contract.schemas()),
        carry_out: tickets::jobs::carry_out,
    };
    let mut background = vec![
        Background::start(|stopped| sender.run(stopped)),
        Background::start(|stopped| jobs.run(stopped)),
    ];
    background.extend(mailer.map(|mailer| Background::start(|stopped| mailer.run(stopped))));
    let mailbox = actix_web::rt::spawn(inbound::imap::run(desk.clone()));
    // A TLS client cannot be answered without a handshake.
    let late = if certificate.is_some() { None } else { Some(listener.try_clone()?) };
    let tls = certificate.as_ref().map(|certificate| certificate.server()).transpose()?;
    let server = http_server::start(desk.clone(), contract, listener, tls, LAST_REQUESTS)?;
    let renewing = certificate
        .and_then(|certificate| Some(renew(certificate, stop.hangup.take()?)))
        .map(actix_web::rt::spawn);
    let handle = server.handle();
    let stopping = actix_web::rt::spawn(async move {
        stop.asked().await;
        log::info!("stopping");
        desk.stopping.send_replace(true);
        let last_work =
            join_all(background.into_iter().map(|work| work.stop(Duration::from_secs(LAST_REQUESTS))));
        let last_requests = async {
            handle.pause().await;
            // It stops when it is called, not when it is first polled.
            let end = async { handle.stop(true).await };
            match late {
                Some(late) => draining::turn_away(late, end).await,
                None => end.await,
            }
        };
        tokio::join!(last_requests, last_work);
    });
    println!("{greeting}\n");
    let served = server.await;
    routine.abort();
    mailbox.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    // If the server ended by itself, there was no signal to wait for.
    if served.is_ok() {
        let _ = stopping.await;
    }
    Ok(served?)
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
