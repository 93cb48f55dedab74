//! Transfer encodings and character sets. Broken data is read as far as possible, never rejected.

use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memchr;

use super::mime::lines;

/// The decoded bytes of a body. An unknown encoding leaves them unchanged.
pub fn transfer(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => base64(body),
        "quoted-printable" => quoted_printable(body),
        _ => body.to_vec(),
    }
}

/// Characters outside of the alphabet are skipped, and a padding in the middle starts a new text, as when two encoded
/// texts were concatenated.
fn base64(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (bits, count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

/// An `=` that encodes nothing is kept.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut lines = lines(body).peekable();
    while let Some(line) = lines.next() {
        let words = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let ending = &line[words.len()..];
        // White space at the end of a line was added during transport.
        let mut rest = words.trim_ascii_end();
        let soft = rest.ends_with(b"=") && (!ending.is_empty() || lines.peek().is_none());
        if soft {
            rest = &rest[..rest.len() - 1];
        }
        while let Some(at) = memchr(b'=', rest) {
            bytes.extend_from_slice(&rest[..at]);
            match rest.get(at + 1..at + 3).and_then(|hex| Some((digit(hex[0])?, digit(hex[1])?))) {
                Some((high, low)) => {
                    bytes.push((high << 4) | low);
                    rest = &rest[at + 3..];
                }
                None => {
                    bytes.push(b'=');
                    rest = &rest[at + 1..];
                }
            }
        }
        bytes.extend_from_slice(rest);
        if !soft {
            bytes.extend_from_slice(ending);
        }
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The text of the bytes. If the character set is missing or does not fit, it is guessed: UTF-8 if the bytes are
/// valid UTF-8, otherwise Windows-1252.
pub fn words(bytes: &[u8], charset: Option<&str>) -> String {
    let declared = charset.map(|charset| charset.trim().to_ascii_lowercase()).unwrap_or_default();
    let several_bytes =
        ["utf-16", "utf16", "utf-7", "iso-2022", "shift", "sjis", "euc", "big5", "gb", "hz", "ks_c"];
    // Bytes in these may be valid UTF-8 by accident.
    if several_bytes.iter().any(|beginning| declared.starts_with(beginning))
        && let Some(decode) = charset_decoder(declared.as_bytes())
    {
        return decode(bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let unfit =
        matches!(declared.as_str(), "" | "utf-8" | "utf8" | "us-ascii" | "ascii" | "iso-8859-1" | "latin1");
    let wanted = if unfit { "windows-1252" } else { declared.as_str() };
    let decode = charset_decoder(wanted.as_bytes()).or_else(|| charset_decoder(b"windows-1252"));
    decode.map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes))
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
        ] {
            assert_eq!(transfer(encoded.as_bytes(), "Base64"), plain.as_bytes(), "{encoded}");
        }
        let all: Vec<u8> = (0..=255).collect();
        use base64::Engine;
        assert_eq!(
            transfer(base64::engine::general_purpose::STANDARD.encode(&all).as_bytes(), "base64"),
            all
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
            assert_eq!(String::from_utf8(transfer(encoded.as_bytes(), "quoted-printable")).unwrap(), plain);
        }
    }

    #[test]
    fn a_charset_that_is_missing_or_wrong_is_guessed() {
        assert_eq!(words("mañana".as_bytes(), None), "mañana");
        assert_eq!(words(b"ma\xf1ana", None), "mañana");
        assert_eq!(words(b"ma\xf1ana \x80", Some("utf-8")), "mañana €");
        assert_eq!(words("mañana".as_bytes(), Some("iso-8859-1")), "mañana");
        assert_eq!(words(b"\x93ma\xf1ana\x94", Some("ISO-8859-1")), "“mañana”");
        assert_eq!(words(b"ma\xf1ana", Some("x-no-such")), "mañana");
        assert_eq!(words(b"\x93\xfa\x96\x7b", Some("Shift_JIS")), "日本");
        assert_eq!(words(b"\x1b$BF|K\\\x1b(B", Some("ISO-2022-JP")), "日本");
        assert_eq!(words(b"\xbf\xbf", Some("koi8-r")).chars().count(), 2);
    }
}
