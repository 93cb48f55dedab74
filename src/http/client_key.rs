//! The client for which requests and bodies in memory are counted together.

use std::net::Ipv6Addr;

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

use super::ClientAddress;
use super::desk::Desk;

/// The account of a valid access token or key; otherwise the network that the request comes from. The keys of an account are
/// counted with it: a person with ten keys has one share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientKey {
    Account(Uuid),
    /// An IPv4 address, or a /64 of IPv6.
    Network(String),
}

impl ClientKey {
    /// The key that the rate limit stored with the request.
    pub fn from_request(request: &HttpRequest) -> Self {
        let stored = request.extensions().get::<ClientKey>().cloned();
        stored.unwrap_or_else(|| {
            let peer = request.peer_addr().map(|peer| peer.ip());
            let desk = request.app_data::<Data<Desk>>();
            let proxies = desk.map_or(&[][..], |desk| &desk.config.trusted_proxies);
            ClientKey::Network(ClientAddress::find(peer, request.headers(), proxies).network())
        })
    }

    pub fn is_authenticated(&self) -> bool {
        matches!(self, ClientKey::Account(_))
    }

    /// The account, or the network of one site: a /48 of IPv6, all of which one client can have.
    pub fn site(self) -> Self {
        match self {
            ClientKey::Network(network) => ClientKey::Network(match network.parse::<Ipv6Addr>() {
                Ok(address) => {
                    let [a, b, c, ..] = address.segments();
                    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
                }
                Err(_) => network,
            }),
            account => account,
        }
    }
}
