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
/// texts were concatenated. Words below the text, which mailing lists and virus scanners add, are not read.
pub fn base64(body: &[u8]) -> Vec<u8> {
    let body = &body[..end_of_base64(body)];
    base64_decode(body).unwrap_or_else(|| {
        let is_other = |byte: &u8| matches!(byte, b'-' | b'_');
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

/// Where lines begin that are words, a rule or anything else below a text that is complete: below a padding, or, without
/// one, below whole groups of four letters and a blank line or a line that is shorter than others.
fn end_of_base64(body: &[u8]) -> usize {
    let (mut at, mut letters, mut longest) = (0, 0, 0);
    let (mut is_padded, mut is_complete) = (false, false);
    for line in lines(body) {
        let words = line.trim_ascii();
        let is_words = words.contains(&b' ') || words.starts_with(b"__") || words.starts_with(b"--");
        let is_alien = || words.iter().any(|byte| !is_base64(byte) && !matches!(byte, b'-' | b'_'));
        if is_padded && (is_words || is_alien()) || is_complete && is_words {
            return at;
        }
        is_padded |= words.ends_with(b"=");
        letters += words.iter().filter(|byte| is_base64(byte)).count();
        is_complete = letters > 0 && letters.is_multiple_of(4) && words.len() < longest;
        longest = longest.max(words.len());
        at += line.len();
    }
    body.len()
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The shortest content that is taken for base64 without being declared as such, in bytes.
const SHORTEST_UNDECLARED: usize = 16;

/// How much of the content of a file shows its kind, in bytes.
const BEGINNING: usize = 32 * 1024;

/// The decoded bytes of a file with this name, if it has one.
pub fn file<'a>(body: &'a [u8], encoding: &str, name: Option<&str>) -> Cow<'a, [u8]> {
    undeclared_base64(body, encoding, name).map_or_else(|| transfer(body, encoding), Cow::Owned)
}

/// The bytes of a file that is written in base64 and does not declare it: every line is, and what they encode begins like
/// a file of a known kind. A file that may be such lines itself, as its name says, stays as it is.
fn undeclared_base64(body: &[u8], encoding: &str, name: Option<&str>) -> Option<Vec<u8>> {
    const WRITTEN: [&str; 10] = ["asc", "b64", "base64", "csv", "json", "key", "log", "pem", "txt", "xml"];
    let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, end)| end.to_ascii_lowercase());
    let is_written = extension.is_some_and(|extension| WRITTEN.contains(&extension.as_str()));
    let body = body.trim_ascii();
    let is_encoded = || body.iter().all(|byte| is_base64(byte) || byte.is_ascii_whitespace());
    if !matches!(encoding, "" | "7bit" | "8bit" | "binary")
        || is_written
        || body.len() < SHORTEST_UNDECLARED
        || !is_encoded()
    {
        return None;
    }
    let bytes = base64(body);
    infer::get(&bytes[..bytes.len().min(BEGINNING)]).is_some().then_some(bytes)
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
            // Words below a text without padding.
            ("aG9sYWFtaWdv\n\nRevisado por antivirus\n", "holaamigo"),
            ("aG9sYWFt\naWdv\n-- \nRevisado\n", "holaamigo"),
            ("aG9sYWFt\naWdv\n____\nLista\n", "holaamigo"),
            ("aG9sYQ==\n*\nAntivirus\n", "hola"),
            ("aG9s\n\nYWFt\naWdv", "holaamigo"),
            ("aG9s YWFt\naW dv", "holaamigo"),
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
    fn a_file_in_base64_is_decoded_without_a_declaration() {
        let pdf = b"JVBERi0xLjQK\r\nJSVFT0YK\r\n";
        let decoded = Some(b"%PDF-1.4\n%%EOF\n".to_vec());
        assert_eq!(undeclared_base64(pdf, "", Some("a.pdf")), decoded);
        assert_eq!(undeclared_base64(pdf, "7bit", None), decoded);
        assert_eq!(undeclared_base64(pdf, "base64", None), None);
        assert_eq!(undeclared_base64(pdf, "", Some("a.TXT")), None);
        assert_eq!(undeclared_base64(b"JVBERi0xLjQK, JSVFT0YK", "", None), None);
        assert_eq!(undeclared_base64(b"JVBERi0xLjQKJSVFT0YKaaaa -- ", "", None), None);
        assert_eq!(undeclared_base64(b"aG9sYWFtaWdvaG9sYWFtaWdv", "", None), None);
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
