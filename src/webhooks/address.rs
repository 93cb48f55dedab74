//! Which addresses a webhook may call: public ones with `https`, and those that the configuration lists. Pure.
//!
//! A name is checked after its resolution (see `super::client`), an address in the URL itself before anything is sent:
//! whatever its spelling, the parser of URLs makes one address of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::config::Network;

/// The longest URL, in characters.
pub const LONGEST_URL: usize = 2000;

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not the URL of a server.
    NotUrl,
    /// Neither `https` nor `http`.
    Scheme,
    /// `http` to an address that is not listed.
    Plain,
    /// It has a user or a password.
    Credentials,
    /// The address is not public, and not listed.
    Internal,
}

/// The URL of a webhook whose host, if it is an address, may be called.
///
/// # Errors
/// Why not.
pub fn checked(text: &str, allow: &[Network]) -> Result<Url, Refused> {
    // The parser removes white space and control characters, so that the stored text would not be what is called.
    if text.chars().count() > LONGEST_URL || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Refused::NotUrl);
    }
    let url = Url::parse(text).map_err(|_| Refused::NotUrl)?;
    let is_plain = match url.scheme() {
        "https" => false,
        "http" => true,
        _ => return Err(Refused::Scheme),
    };
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') && has_user_info(text) {
        return Err(Refused::Credentials);
    }
    match url.host() {
        Some(Host::Ipv4(address)) => may_call(address.into(), is_plain, allow)?,
        Some(Host::Ipv6(address)) => may_call(address.into(), is_plain, allow)?,
        Some(Host::Domain("")) => return Err(Refused::NotUrl),
        // Whether the name leads to a listed address is known when it is resolved.
        Some(Host::Domain(_)) if is_plain && allow.is_empty() => return Err(Refused::Plain),
        Some(Host::Domain(_)) => {}
        None => return Err(Refused::NotUrl),
    }
    Ok(url)
}

/// An empty user before the host, which the parser drops.
fn has_user_info(text: &str) -> bool {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// Whether this address may be called.
///
/// # Errors
/// Why not.
pub fn may_call(address: IpAddr, is_plain: bool, allow: &[Network]) -> Result<(), Refused> {
    if allow.iter().any(|network| network.contains(address)) {
        return Ok(());
    }
    match (is_public(address), is_plain) {
        (false, _) => Err(Refused::Internal),
        (true, true) => Err(Refused::Plain),
        (true, false) => Ok(()),
    }
}

/// Whether an address belongs to a host of the Internet (IANA IPv4 and IPv6 Special-Purpose Address Registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    /// Address and length of the prefix.
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        // Link-local, with the metadata of cloud providers.
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        // Relays of 6to4.
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        // Multicast, and what is reserved up to the broadcast address.
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
        // The metadata of Azure, which has a public address.
        ([168, 63, 129, 16], 32),
    ];
    !SPECIAL.iter().any(|(network, prefix)| {
        (Ipv4Addr::from_octets(*network).to_bits() ^ address.to_bits()) >> (32 - prefix) == 0
    })
}

/// Public addresses begin with the bits 001 (2000::/3). Outside of it are `::`, `::1`, addresses that contain one of IPv4
/// (`::ffff:0:0/96`, `64:ff9b::/96` …), unique local, link-local, site-local and multicast ones.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = match first {
        // Protocol assignments, with Teredo (2001::/32) and ORCHID; documentation.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4: the next four bytes are an address of IPv4.
        0x2002 => true,
        // Documentation.
        0x3fff => second < 0x1000,
        _ => false,
    };
    first >> 13 == 1 && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(all: &[&str]) -> Vec<Network> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    /// Spellings of addresses that a webhook must not call.
    const INTERNAL: &[&str] = &[
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "127.255.255.254",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0x7f.0x0.0x0.0x1",
        "017700000001",
        "0177.0.0.1",
        "0177.0000.0000.0001",
        "0",
        "0.0.0.0",
        "00000000000000000",
        "0x0",
        "10.0.0.1",
        "10.1",
        "0xa.1",
        "012.0.0.1",
        "167772161",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.170",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.1",
        "3232235777",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        // Full-width and other digits and dots, which become plain ones.
        "１２７.０.０.１",
        "127。0。0。1",
        "127．0．0．1",
        "①②⑦.⓪.⓪.①",
        "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
        // Percent-encoded.
        "%31%32%37.0.0.1",
        "127%2E0%2E0%2E1",
        "0%78%37f.1",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[0000::0001]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[100::1]",
        "[2001::1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[2001:10::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[3fff::1]",
        "[4000::1]",
        "[5f00::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
    ];

    #[test]
    fn no_spelling_of_an_internal_address_is_called() {
        for host in INTERNAL {
            let url = format!("https://{host}/hook");
            let found = checked(&url, &[]);
            // What no address is, is a name: it is resolved by a resolver that returns public addresses only.
            let is_public_host = found.as_ref().is_ok_and(|url| !matches!(url.host(), Some(Host::Domain(_))));
            assert!(!is_public_host, "{url}: {found:?}");
            let is_name = found.as_ref().is_ok_and(|url| matches!(url.host(), Some(Host::Domain(_))));
            assert!(!is_name, "{url} is read as a name: {found:?}");
        }
        assert!(INTERNAL.len() >= 40);
    }

    #[test]
    fn other_forms_of_a_url_are_refused() {
        for (url, why) in [
            ("", Refused::NotUrl),
            ("nada", Refused::NotUrl),
            ("//example.com", Refused::NotUrl),
            ("https://", Refused::NotUrl),
            ("https://[fe80::1%25eth0]/", Refused::NotUrl),
            ("https://[::1", Refused::NotUrl),
            ("https://exa mple.com/", Refused::NotUrl),
            ("https://example.com/\u{0}", Refused::NotUrl),
            ("https://example.com/\thook", Refused::NotUrl),
            (" https://example.com/", Refused::NotUrl),
            ("https://256.256.256.256/", Refused::NotUrl),
            ("https://1.2.3.4.5/", Refused::NotUrl),
            ("https://127.0.0.0x100/", Refused::NotUrl),
            ("https://example.com:99999/", Refused::NotUrl),
            ("ftp://example.com/", Refused::Scheme),
            ("file:///etc/passwd", Refused::Scheme),
            ("gopher://example.com/", Refused::Scheme),
            ("javascript:alert(1)", Refused::Scheme),
            ("unix:///run/docker.sock", Refused::Scheme),
            ("http://example.com/", Refused::Plain),
            ("http://93.184.215.14/", Refused::Plain),
            ("http://127.0.0.1/", Refused::Internal),
            ("https://user@example.com/", Refused::Credentials),
            ("https://:word@example.com/", Refused::Credentials),
            ("https://example.com@127.0.0.1/", Refused::Credentials),
            ("https://@example.com/", Refused::Credentials),
            ("https:\\\\@127.0.0.1\\hook", Refused::Credentials),
            ("https:/127.0.0.1/", Refused::Internal),
            ("https:127.0.0.1", Refused::Internal),
            ("https:\\\\127.0.0.1\\hook", Refused::Internal),
            ("HTTPS://127.0.0.1:443/", Refused::Internal),
        ] {
            assert_eq!(checked(url, &[]), Err(why), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(LONGEST_URL));
        assert_eq!(checked(&long, &[]), Err(Refused::NotUrl));
    }

    #[test]
    fn public_addresses_and_names_are_accepted() {
        for url in [
            "https://example.com/hook?a=b@c",
            "https://example.com:8443/hook#part",
            "https://EXAMPLE.com./",
            "https://localhost/",
            "https://93.184.215.14/",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
            "https://9.9.9.9/",
            "https://[2001:4860:4860::8888]/",
            "https://[2a00:1450::1]/",
            "https://[2001:200::1]/",
        ] {
            checked(url, &[]).unwrap_or_else(|why| panic!("{url}: {why:?}"));
        }
    }

    #[test]
    fn listed_addresses_are_called_also_without_tls() {
        let allow = networks(&["127.0.0.0/8", "fd00:7::/32"]);
        for url in [
            "http://127.0.0.1:9/",
            "https://2130706433/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00:7::5]/",
            "http://localhost:9/",
        ] {
            checked(url, &allow).unwrap_or_else(|why| panic!("{url}: {why:?}"));
        }
        for (url, why) in [
            ("http://10.0.0.1/", Refused::Internal),
            ("https://[fd00:8::5]/", Refused::Internal),
            ("https://[::1]/", Refused::Internal),
            ("http://9.9.9.9/", Refused::Plain),
        ] {
            assert_eq!(checked(url, &allow), Err(why), "{url}");
        }
        // The address that a name leads to.
        assert_eq!(may_call("127.0.0.1".parse().unwrap(), true, &allow), Ok(()));
        assert_eq!(may_call("9.9.9.9".parse().unwrap(), true, &allow), Err(Refused::Plain));
        assert_eq!(may_call("9.9.9.9".parse().unwrap(), false, &allow), Ok(()));
        assert_eq!(may_call("10.0.0.1".parse().unwrap(), false, &allow), Err(Refused::Internal));
    }
}
