//! Transfer encodings. Broken data is read as far as possible, never rejected.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use memchr::memchr;

use super::uuencode;
use super::{lines, without_end};

/// The decoded bytes of a body. An unknown encoding leaves them unchanged.
pub fn transfer<'a>(body: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    let name: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect();
    match name.to_ascii_lowercase().as_str() {
        "base64" | "xbase64" => Cow::Owned(base64(body)),
        "quotedprintable" | "xquotedprintable" => Cow::Owned(quoted_printable(body)),
        "xuuencode" | "xuue" | "uuencode" | "uue" => {
            uuencode::first(body).map_or(Cow::Borrowed(body), |file| Cow::Owned(file.bytes))
        }
        _ => Cow::Borrowed(body),
    }
}

/// Characters outside of the alphabet are skipped, and a padding in the middle starts a new text, as when two encoded
/// texts were concatenated. Words below a padding, which mailing lists add, are not read.
pub fn base64(body: &[u8]) -> Vec<u8> {
    base64_decode(body).unwrap_or_else(|| {
        let is_other = |byte: &u8| matches!(byte, b'-' | b'_');
        let body = &body[..end_of_base64(body)];
        // The alphabet of addresses (RFC 4648), unless both occur.
        let is_for_addresses =
            body.iter().any(is_other) && !body.iter().any(|byte| matches!(byte, b'+' | b'/'));
        let letters = body.iter().filter_map(|byte| match byte {
            b'-' if is_for_addresses => Some(b'+'),
            b'_' if is_for_addresses => Some(b'/'),
            b'+' | b'/' | b'=' => Some(*byte),
            _ => byte.is_ascii_alphanumeric().then_some(*byte),
        });
        base64_decode(&letters.collect::<Vec<u8>>()).unwrap_or_default()
    })
}

/// Where lines begin, below a padding, that are words or a rule.
fn end_of_base64(body: &[u8]) -> usize {
    let (mut at, mut is_padded) = (0, false);
    for line in lines(body) {
        let words = line.trim_ascii();
        let is_text = words.contains(&b' ') || words.starts_with(b"__") || words.starts_with(b"--");
        if is_padded && is_text {
            return at;
        }
        is_padded |= words.ends_with(b"=");
        at += line.len();
    }
    body.len()
}

/// An `=` that encodes nothing is kept.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut lines = lines(body).peekable();
    while let Some(line) = lines.next() {
        let words = without_end(line);
        let ending = &line[words.len()..];
        // White space at the end of a line was added during transport.
        let mut rest = words.trim_ascii_end();
        let soft = rest.ends_with(b"=") && (!ending.is_empty() || lines.peek().is_none());
        if soft {
            rest = &rest[..rest.len() - 1];
        }
        append_hexadecimal(&mut bytes, rest, b'=');
        if !soft {
            bytes.extend_from_slice(ending);
        }
    }
    bytes
}

/// Bytes that are written as this escape and two hexadecimal digits. An escape without digits is kept.
pub fn hexadecimal(bytes: &[u8], escape: u8) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    append_hexadecimal(&mut decoded, bytes, escape);
    decoded
}

fn append_hexadecimal(decoded: &mut Vec<u8>, mut rest: &[u8], escape: u8) {
    while let Some(at) = memchr(escape, rest) {
        decoded.extend_from_slice(&rest[..at]);
        match rest.get(at + 1..at + 3).and_then(|hex| Some((digit(hex[0])?, digit(hex[1])?))) {
            Some((high, low)) => {
                decoded.push((high << 4) | low);
                rest = &rest[at + 3..];
            }
            None => {
                decoded.push(escape);
                rest = &rest[at + 1..];
            }
        }
    }
    decoded.extend_from_slice(rest);
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_whatever_stands_between() {
        for (encoded, plain) in [
            ("aG9sYQ==", "hola"),
            ("aG9s\r\nYQ==\r\n", "hola"),
            ("aG9sYQ", "hola"),
            ("aG9s*YQ==!", "hola"),
            ("aG9sYQ==aG9sYQ==", "holahola"),
            ("====", ""),
            ("a", ""),
            ("aG9sYQ==\n_____\nLista de correo\nhttps://x.test\n", "hola"),
            ("aG9s,\nYQ", "hola"),
        ] {
            assert_eq!(*transfer(encoded.as_bytes(), "Base64"), *plain.as_bytes(), "{encoded}");
        }
        assert_eq!(base64(b"_-A*"), base64(b"/+A"));
        let all: Vec<u8> = (0..=255).collect();
        use ::base64::Engine;
        assert_eq!(
            *transfer(::base64::engine::general_purpose::STANDARD.encode(&all).as_bytes(), "base64"),
            *all
        );
    }

    #[test]
    fn quoted_printable_is_read_whatever_is_broken_in_it() {
        for (encoded, plain) in [
            ("a=3Db=\r\nc \t\r\nd", "a=bc\r\nd"),
            ("=C3=A1=c3=a9", "áé"),
            ("100=% =X", "100=% =X"),
            ("fin=", "fin"),
            ("=\n=3", "=3"),
        ] {
            assert_eq!(*transfer(encoded.as_bytes(), "quoted-printable"), *plain.as_bytes());
        }
    }
}
