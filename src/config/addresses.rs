//! The address that the server listens on, and its public URL.

use std::net::{SocketAddr, ToSocketAddrs};

use super::reader::{Reader, Wrong};

impl Reader<'_> {
    pub fn listen(&mut self) -> SocketAddr {
        match self.text("MESA_LISTEN") {
            None => SocketAddr::from(([127, 0, 0, 1], 8080)),
            Some(text) => match text.to_socket_addrs().ok().and_then(|mut found| found.next()) {
                Some(address) => address,
                None => {
                    let expected =
                        format!("expected an address and a port such as 0.0.0.0:8080, found {text:?}");
                    self.wrong.push(Wrong { variable: "MESA_LISTEN", expected });
                    SocketAddr::from(([127, 0, 0, 1], 8080))
                }
            },
        }
    }

    /// Without a slash at its end.
    pub fn public_url(&mut self) -> Option<String> {
        let public_url = self.text("MESA_PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned());
        if public_url.as_deref().is_some_and(|url| !is_base(url)) {
            self.wrong.push(Wrong {
                variable: "MESA_PUBLIC_URL",
                expected: format!(
                    "expected an address such as https://mesa.example.gov.co, found {:?}",
                    public_url.as_deref().unwrap_or_default()
                ),
            });
        }
        public_url
    }
}

/// The address at which this machine reaches a server that listens on it.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Whether it is an origin as browsers send it, or `*`.
pub fn is_origin(text: &str) -> bool {
    text == "*"
        || is_base(text) && url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

/// Whether links can begin with it.
pub fn is_base(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}
