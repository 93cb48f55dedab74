//! TLS handshakes in progress: limited in number and time, so that incomplete handshakes do not delay other clients.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config;
use crate::http::ClientAddress;

/// The time limit of a handshake, including the wait for its turn.
const TIME: Duration = Duration::from_secs(5);

/// Concurrent handshakes in this process.
const ALL: usize = 2048;

/// Concurrent handshakes from one network: an IPv4 address, or a /64 of IPv6.
const OF_ONE_NETWORK: usize = 64;

/// The handshakes of one server.
pub struct Handshakes {
    all: Semaphore,
    networks: Mutex<HashMap<String, Weak<Semaphore>>>,
    /// Proxies forward the connections of many clients; only the limit for the process applies to them.
    proxies: Vec<config::Network>,
}

impl Handshakes {
    pub fn new(proxies: &[config::Network]) -> Arc<Self> {
        let proxies = proxies.to_vec();
        Arc::new(Handshakes { all: Semaphore::new(ALL), networks: Mutex::default(), proxies })
    }

    /// Performs the handshake of a connection.
    ///
    /// # Errors
    /// If it failed, or did not complete in time.
    pub async fn accept(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let peer = stream.peer_addr()?.ip().to_canonical();
        let handshake = async {
            // A network that waits for its own turn does not take a turn from others.
            let network = self.network(peer);
            let _of_network = match &network {
                Some(network) => Some(permit(&network.turns).await?),
                None => None,
            };
            let _of_all = permit(&self.all).await?;
            acceptor.accept(stream).await
        };
        timeout(TIME, handshake).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// The turns of a network; `None` for a proxy.
    fn network(&self, peer: IpAddr) -> Option<Network<'_>> {
        if self.proxies.iter().any(|proxy| proxy.contains(peer)) {
            return None;
        }
        let name = ClientAddress(Some(peer)).network();
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = networks.get(&name).and_then(Weak::upgrade).unwrap_or_else(|| {
            let turns = Arc::new(Semaphore::new(OF_ONE_NETWORK));
            networks.insert(name.clone(), Arc::downgrade(&turns));
            turns
        });
        Some(Network { handshakes: self, name, turns })
    }
}

async fn permit(turns: &Semaphore) -> io::Result<SemaphorePermit<'_>> {
    turns.acquire().await.map_err(io::Error::other)
}

/// The turns of one network; removed with its last handshake.
struct Network<'a> {
    handshakes: &'a Handshakes,
    name: String,
    turns: Arc<Semaphore>,
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        let mut networks = self.handshakes.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&self.turns) == 1 {
            networks.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_own_turns_and_is_forgotten_with_its_last_handshake() {
        let handshakes = Handshakes::new(&["10.0.0.0/24".parse().unwrap()]);
        assert!(handshakes.network("10.0.0.1".parse().unwrap()).is_none());
        let network = |address: &str| handshakes.network(address.parse().unwrap()).unwrap();
        let (first, second) = (network("192.0.2.1"), network("192.0.2.1"));
        let held: Vec<_> = std::iter::from_fn(|| first.turns.try_acquire().ok()).collect();
        assert_eq!(held.len(), OF_ONE_NETWORK);
        assert!(second.turns.try_acquire().is_err());
        assert!(network("192.0.2.2").turns.try_acquire().is_ok());
        drop(held);
        drop((first, second));
        assert!(handshakes.networks.lock().unwrap().is_empty());
    }
}
