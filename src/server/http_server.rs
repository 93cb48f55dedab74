//! The HTTP server: the application on custom connections, which actix-web's `HttpServer` does not support.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{ConnectionType, HttpService, Protocol, Request};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::web::Data;
use futures_util::future::LocalBoxFuture;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::connection::{AnswerBody, Connection, OpenRequests, RequestBody, Transport};
use super::tls_handshakes::Handshakes;
use crate::app::{self, Contract};
use crate::events::feed::Feed;
use crate::http::desk::{Desk, Phase};

/// Open files other than client connections: for PostgreSQL, mail, and files that are read and written.
const OTHER_FILES: u64 = 256;

/// The maximum number of client connections per worker; further ones wait in the system's queue.
const CONNECTIONS: u64 = 25_000;

/// The number of threads per worker for slow tasks outside of the database: files, calendars, passwords.
const BLOCKING: usize = 4;

/// How long an idle connection is kept open: longer than proxies keep theirs, so that no proxy sends a request into a
/// closing connection.
const IDLE: Duration = Duration::from_secs(75);

/// How long the request line and the headers may take to arrive.
const HEADERS: Duration = Duration::from_secs(10);

/// The same for a connection that was accepted while the server stops: a short time, because the stop waits for it.
const LATE_HEADERS: Duration = Duration::from_secs(2);

/// How long a connection may take to close.
const GOODBYE: Duration = Duration::from_secs(5);

/// How connections are encrypted.
#[derive(Clone)]
struct Tls {
    acceptor: TlsAcceptor,
    handshakes: Arc<Handshakes>,
}

/// When a connection was accepted.
#[derive(Clone, Copy)]
enum Accepted {
    WhileServing,
    WhileStopping,
}

/// A server that was started.
pub struct Serving {
    pub server: Server,
    /// Serves connections outside of the server's workers.
    pub late: LateConnections,
}

/// Makes what serves one connection to its end, on the thread that calls it.
pub type LateConnections = Box<dyn FnOnce() -> LocalBoxFuture<'static, Option<ServeConnection>>>;
pub type ServeConnection = Rc<dyn Fn(TcpStream) -> LocalBoxFuture<'static, ()>>;

/// Starts the server.
///
/// # Errors
/// The error of the operating system.
pub fn start(
    desk: Data<Desk>,
    contract: Data<Contract>,
    listener: TcpListener,
    tls: Option<ServerConfig>,
    shutdown_seconds: u64,
) -> std::io::Result<Serving> {
    let workers = desk.config.workers;
    let tls = tls.map(|config| Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        handshakes: Handshakes::new(&desk.config.trusted_proxies),
    });
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections(workers))
        .worker_max_blocking_threads(BLOCKING)
        .shutdown_timeout(shutdown_seconds)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let feed = Data::new(Feed::default());
    let service = move |accepted: Accepted| {
        let app = map_config(app::app(desk.clone(), contract.clone(), feed.clone()).into_factory(), |()| {
            AppConfig::default()
        });
        let of_request = desk.clone();
        let app = apply_fn_factory(app, move |mut request: Request, app| {
            let desk = of_request.clone();
            let open = request.conn_data::<Rc<OpenRequests>>().map(OpenRequests::begin);
            let read_to_end = RequestBody::watch(&mut request);
            let answer = app.call(request);
            async move {
                let mut answer = answer.await?.map_into_boxed_body();
                if matches!(desk.phase(), Phase::Draining | Phase::Stopping) {
                    answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                }
                if read_to_end.is_some_and(|at_end| !at_end.get()) {
                    answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                    if let Some(open) = &open {
                        open.discard_rest();
                    }
                }
                Ok::<_, actix_web::Error>(answer.map_body(|_, body| AnswerBody { body, request: open }))
            }
        });
        let stopping = stopping.clone();
        let http = match accepted {
            // Idle connections are closed when the server stops.
            Accepted::WhileServing => {
                HttpService::build().client_request_timeout(HEADERS).graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
            }
            // Each connection ends with its first response.
            Accepted::WhileStopping => HttpService::build().client_request_timeout(LATE_HEADERS),
        };
        let http = http
            .keep_alive(IDLE)
            .client_disconnect_timeout(GOODBYE)
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.open_requests());
            })
            .finish(app.map_err(|error| error.error_response()));
        let (desk, tls) = (desk.clone(), tls.clone());
        fn_service(move |stream: TcpStream| {
            let (desk, tls) = (desk.clone(), tls.clone());
            async move {
                // Data that are sent in pieces, such as a file, do not wait for the confirmation of the previous
                // piece.
                stream.set_nodelay(true)?;
                let peer = stream.peer_addr()?;
                let transport = match tls {
                    None => Transport::Plain(stream),
                    Some(tls) => {
                        Transport::Tls(Box::new(tls.handshakes.accept(&tls.acceptor, stream).await?))
                    }
                };
                Ok::<_, DispatchError>((Connection::new(transport, desk), Protocol::Http1, Some(peer)))
            }
        })
        .and_then(http)
    };
    let factory = service.clone();
    let late: LateConnections = Box::new(move || {
        Box::pin(async move {
            let service = factory(Accepted::WhileStopping).new_service(()).await.ok()?;
            let service = Rc::new(service);
            let serve: ServeConnection = Rc::new(move |stream| {
                let service = Rc::clone(&service);
                Box::pin(async move {
                    if let Err(error) = service.call(stream).await {
                        log::debug!("a late connection ended: {error:?}");
                    }
                })
            });
            Some(serve)
        })
    });
    Ok(Serving {
        server: builder.listen("mesa", listener, move || service(Accepted::WhileServing))?.run(),
        late,
    })
}

/// The maximum number of client connections per worker: limited by the number of files that this process may open,
/// which is raised as far as possible.
fn connections(workers: usize) -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    // macOS allows no more than this for all processes.
    let wanted = hard.min(CONNECTIONS * 4 + OTHER_FILES).max(soft);
    let open = if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft };
    let each = open.saturating_sub(OTHER_FILES) / u64::try_from(workers).unwrap_or(1).max(1);
    usize::try_from(each.clamp(64, CONNECTIONS)).unwrap_or(64)
}
