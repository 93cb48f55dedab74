//! Secrets of webhooks and the signatures made with them, as Standard Webhooks 1.0 define them.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::problem::{Problem, Result};

/// How many random bytes a secret has.
const BYTES: usize = 32;

/// A new secret.
///
/// # Errors
/// A fault of the server: the system returns no random bytes.
pub fn new() -> Result<Vec<u8>> {
    let mut bytes = vec![0; BYTES];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(bytes)
}

/// The secret as the receiver gets it.
pub fn text(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The value of `webhook-signature`: one signature for each secret. `timestamp`: seconds of the Unix time.
pub fn signatures<'a>(
    secrets: impl IntoIterator<Item = &'a [u8]>,
    id: Uuid,
    timestamp: i64,
    body: &str,
) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let one = |secret: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
    };
    secrets.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_random_and_has_the_prefix() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert_ne!(one, other);
        let text = text(&one);
        assert_eq!(STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap(), one);
        assert_eq!(text.len(), 50);
    }

    /// Computed with Python's `hmac`: key 32 bytes of value 7, id of zeros.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let (first, second) = ([7; BYTES], [8; BYTES]);
        let one = signatures([&first[..]], Uuid::nil(), 1_700_000_000, "{\"a\":1}");
        assert_eq!(one, "v1,6BxHRXxl/k8GtciC8ZWztW5YqCD24o+HXLtpxUV5+/M=");
        let both = signatures([&first[..], &second[..]], Uuid::nil(), 1_700_000_000, "{\"a\":1}");
        assert_eq!(both.split(' ').next(), Some(one.as_str()));
        assert_eq!(both.split(' ').count(), 2);
    }
}
