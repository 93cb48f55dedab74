//! The address of the client.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};

use super::desk::Desk;
use crate::config::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client; none if the server cannot determine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The address that the nearest trusted proxies state; everything before them could be forged.
    pub fn find(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[Network]) -> Self {
        let Some(mut from) = peer.map(|peer| peer.to_canonical()) else { return ClientAddress(None) };
        let hops = headers
            .get_all(FORWARDED_FOR)
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>()
            .join(",");
        let mut hops = hops.rsplit(',').map(str::trim);
        while proxies.iter().any(|proxy| proxy.contains(from)) {
            match hops.next().and_then(|hop| hop.parse().ok()) {
                Some(hop) => from = IpAddr::to_canonical(&hop),
                None => break,
            }
        }
        ClientAddress(Some(from))
    }

    /// The network of one client: for IPv6 the whole /64, because a client can choose any address in it.
    pub fn network(self) -> String {
        match self.0 {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
            Some(address) => address.to_string(),
            None => String::new(),
        }
    }
}

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map(|peer| peer.ip());
        let desk = request.app_data::<Data<Desk>>();
        let proxies = desk.map_or(&[][..], |desk| &desk.config.trusted_proxies);
        ready(Ok(ClientAddress::find(peer, request.headers(), proxies)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("6.6.6.6, 203.0.113.7"));
        headers.append(FORWARDED_FOR, HeaderValue::from_static("10.0.0.2"));
        let proxies: [Network; 2] = ["10.0.0.1", "10.0.0.2/31"].map(|range| range.parse().unwrap());
        let of = |peer: &str, headers: &HeaderMap| ClientAddress::find(Some(ip(peer)), headers, &proxies).0;
        assert_eq!(of("10.0.0.1", &headers), Some(ip("203.0.113.7")));
        assert_eq!(of("198.51.100.1", &headers), Some(ip("198.51.100.1")));
        assert_eq!(of("10.0.0.1", &HeaderMap::new()), Some(ip("10.0.0.1")));
        assert_eq!(ClientAddress::find(None, &headers, &proxies), ClientAddress(None));
    }

    #[test]
    fn an_address_is_the_same_however_the_socket_says_it() {
        let none = HeaderMap::new();
        let mapped = ClientAddress::find(Some(ip("::ffff:192.0.2.1")), &none, &[]);
        assert_eq!(mapped, ClientAddress::find(Some(ip("192.0.2.1")), &none, &[]));
        assert_eq!(mapped.network(), "192.0.2.1");
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_are_one_clients() {
        let network = |text: &str| ClientAddress(Some(ip(text))).network();
        assert_eq!(network("2001:db8:1:2:3::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
