//! Connections that arrive during the shutdown: those in the system's queue are served instead of being reset.

use std::future::Future;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::http_server::{LateConnections, ServeConnection};

/// After so long without new connections, the socket is closed: in a gap, since a connection that arrives at that
/// moment is reset.
const GAP: Duration = Duration::from_millis(25);
/// It is closed after this time even if connections keep arriving.
const LONGEST: Duration = Duration::from_millis(500);

/// Serves the last connections, and closes the socket; `stop` completes the open requests of the server. The server must
/// have stopped accepting connections from this socket.
///
/// `longest`: how long the last connections may take.
pub async fn serve_last(
    listener: TcpListener,
    late: LateConnections,
    longest: Duration,
    stop: impl Future<Output = ()>,
) {
    let opened = (late().await, tokio::net::TcpListener::from_std(listener));
    let (Some(serve), Ok(listener)) = opened else {
        log::warn!("the listening socket is closed immediately");
        return stop.await;
    };
    let mut served = JoinSet::new();
    // The server closes its own handle of the socket first, so that it accepts no connection in between.
    tokio::join!(stop, async {
        until_quiet(&listener, &serve, &mut served).await;
        if let Err(error) = shut(listener, &serve, &mut served) {
            log::warn!("closing the listening socket reset a connection: {error}");
        }
        let all = async { while served.join_next().await.is_some() {} };
        if timeout(longest, all).await.is_err() {
            log::warn!("the last connections were not served in time");
        }
    });
}

async fn until_quiet(listener: &tokio::net::TcpListener, serve: &ServeConnection, served: &mut JoinSet<()>) {
    let since = Instant::now();
    while since.elapsed() < LONGEST
        && let Ok(Ok((stream, _))) = timeout(GAP, listener.accept()).await
    {
        served.spawn_local(serve(stream));
    }
}

/// Accepts the last connections in the system's queue, and closes the socket as soon as the queue is empty: later
/// connections are refused, so that a balancer sends their requests to another server.
fn shut(
    listener: tokio::net::TcpListener,
    serve: &ServeConnection,
    served: &mut JoinSet<()>,
) -> std::io::Result<()> {
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                served.spawn_local(serve(TcpStream::from_std(stream)?));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
