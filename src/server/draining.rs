//! Connections that arrive during the shutdown: those in the system's queue get a 503 instead of being reset.

use std::future::Future;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::parser_problem::http_message;
use crate::problem::Problem;

/// After so long without new connections, the server stops.
const SETTLED: Duration = Duration::from_millis(100);
/// After so long without new connections, the socket is closed: in a gap, since a connection that arrives at that
/// moment is reset.
const GAP: Duration = Duration::from_millis(25);
/// It is closed after this time even if connections keep arriving.
const LONGEST: Duration = Duration::from_millis(500);
/// How long a client may take to receive the response.
const HEARING: Duration = Duration::from_secs(2);

/// Answers new connections with a 503, and closes the socket; meanwhile `stop` completes the open requests. The
/// server must have stopped accepting connections from this socket.
pub async fn turn_away(door: TcpListener, stop: impl Future<Output = ()>) {
    match tokio::net::TcpListener::from_std(door) {
        Ok(door) => {
            let mut told = JoinSet::new();
            until_quiet(&door, SETTLED, &mut told).await;
            // The server closes its own handle of the socket first, so that it accepts no connection in between.
            tokio::join!(stop, async {
                until_quiet(&door, GAP, &mut told).await;
                if let Err(error) = shut(door, &mut told) {
                    log::warn!("closing the listening socket reset a connection: {error}");
                }
                // Waits until each client has received its response.
                while told.join_next().await.is_some() {}
            });
        }
        Err(error) => {
            log::warn!("the listening socket is closed immediately: {error}");
            stop.await;
        }
    }
}

async fn until_quiet(door: &tokio::net::TcpListener, quiet: Duration, told: &mut JoinSet<()>) {
    let since = Instant::now();
    while since.elapsed() < LONGEST
        && let Ok(Ok((stream, _))) = timeout(quiet, door.accept()).await
    {
        told.spawn_local(respond_unavailable(stream));
    }
}

/// Answers the last connections in the system's queue, and closes the socket as soon as the queue is empty: later
/// connections are refused.
fn shut(door: tokio::net::TcpListener, told: &mut JoinSet<()>) -> std::io::Result<()> {
    let door = door.into_std()?;
    loop {
        match door.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                told.spawn_local(respond_unavailable(TcpStream::from_std(stream)?));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Sends the response, and reads the rest of the request: a connection that is closed with unread input is reset, and
/// the response is lost.
async fn respond_unavailable(mut stream: TcpStream) {
    let heard = async {
        stream.write_all(words().as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    if !matches!(timeout(HEARING, heard).await, Ok(Ok(()))) {
        log::debug!("a client that connected during the shutdown disconnected");
    }
}

/// The complete response: the 503 of every request that cannot be served.
fn words() -> String {
    http_message(&Problem::unavailable("the server is shutting down"), &Uuid::now_v7().to_string(), "")
}
