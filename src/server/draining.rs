//! Who comes while the server stops: whoever is in the system's queue by then is told to come back, and not cut off.

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

/// Where nobody has come for so long, the server is done with those who came before.
const SETTLED: Duration = Duration::from_millis(100);
/// Where nobody has come for so long, the door is shut: in a gap, since who comes in the very moment is cut off.
const GAP: Duration = Duration::from_millis(25);
/// However many come, it is shut then.
const LONGEST: Duration = Duration::from_millis(500);
/// How long one who is told may take to hear it.
const HEARING: Duration = Duration::from_secs(2);

/// Tells whoever comes to the door that the server stops, and shuts it; lets `stop` end what is on its way. The server must
/// have ceased to take connections from this door.
pub async fn turn_away(door: TcpListener, stop: impl Future<Output = ()>) {
    match tokio::net::TcpListener::from_std(door) {
        Ok(door) => {
            let mut told = JoinSet::new();
            until_quiet(&door, SETTLED, &mut told).await;
            // The server shuts its own end of the door first, so that nobody comes between the two.
            tokio::join!(stop, async {
                until_quiet(&door, GAP, &mut told).await;
                if let Err(error) = shut(door, &mut told) {
                    log::warn!("the door was shut in somebody's face: {error}");
                }
                // Not before each has heard it.
                while told.join_next().await.is_some() {}
            });
        }
        Err(error) => {
            log::warn!("the door is shut at once: {error}");
            stop.await;
        }
    }
}

async fn until_quiet(door: &tokio::net::TcpListener, quiet: Duration, told: &mut JoinSet<()>) {
    let since = Instant::now();
    while since.elapsed() < LONGEST
        && let Ok(Ok((stream, _))) = timeout(quiet, door.accept()).await
    {
        told.spawn_local(tell(stream));
    }
}

/// Tells the last who are in the system's queue, and is gone the moment that it is empty: who came later still finds no door.
fn shut(door: tokio::net::TcpListener, told: &mut JoinSet<()>) -> std::io::Result<()> {
    let door = door.into_std()?;
    loop {
        match door.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                told.spawn_local(tell(TcpStream::from_std(stream)?));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Says it, and reads what the other has to say: who is cut off in the middle of a word hears nothing.
async fn tell(mut stream: TcpStream) {
    let heard = async {
        stream.write_all(words().as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    if !matches!(timeout(HEARING, heard).await, Ok(Ok(()))) {
        log::debug!("who came while the server stops went away");
    }
}

/// A whole answer: the 503 that every request gets where the desk cannot serve it.
fn words() -> String {
    http_message(&Problem::unavailable("the server stops"), &Uuid::now_v7().to_string(), "")
}
