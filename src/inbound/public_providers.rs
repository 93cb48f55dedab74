//! Mail providers of the public, whose users are not colleagues of each other.

use super::message::domain_of;

const DOMAINS: [&str; 34] = [
    "aol.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "hotmail.es",
    "icloud.com",
    "live.com",
    "live.com.co",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "outlook.es",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rocketmail.com",
    "terra.com.co",
    "tutanota.com",
    "une.net.co",
    "yahoo.co",
    "yahoo.com",
    "yahoo.com.co",
    "yahoo.es",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
];

/// Whether the address is one of a public mail provider.
pub fn is_public_provider(address: &str) -> bool {
    domain_of(address).is_some_and(|domain| DOMAINS.contains(&domain.as_str()))
}
