//! Encoded words in header fields (RFC 2047), also where they are broken in ways that mail programs are known for.

use memchr::memmem;

use super::{charsets, decode, shifted};

/// A part of a value: an encoded word, or bytes between such words.
enum Piece<'a> {
    Plain(&'a [u8]),
    Word { charset: &'a str, is_base64: bool, data: &'a [u8] },
}

/// The value as text. Undeclared bytes are read as those of a body are.
pub fn decoded(value: &[u8]) -> String {
    joined(value, |text, words| text.push_str(&words))
}

/// The value in ASCII and UTF-8 with every encoded word in UTF-8, one where there were several in succession. What it
/// encodes remains encoded, so that it cannot become a separator of addresses.
pub fn in_utf8(value: &[u8]) -> String {
    joined(value, |text, words| {
        text.push_str("=?utf-8?Q?");
        for byte in words.bytes() {
            text.push_str(&format!("={byte:02X}"));
        }
        text.push_str("?=");
    })
}

fn joined(value: &[u8], add: impl Fn(&mut String, String)) -> String {
    let mut text = String::with_capacity(value.len());
    let pieces = pieces(value);
    let mut at = 0;
    while at < pieces.len() {
        match pieces[at] {
            Piece::Plain(bytes) => {
                text.push_str(&charsets::text(bytes, None));
                at += 1;
            }
            Piece::Word { charset, .. } => {
                let (words, next) = run(&pieces, at, charset);
                add(&mut text, charsets::text(&words, Some(charset)));
                at = next;
            }
        }
    }
    text
}

/// The bytes of the words of this character set that follow one another, and the index of the piece after them.
fn run(pieces: &[Piece<'_>], start: usize, common: &str) -> (Vec<u8>, usize) {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    // Base64 that ends within a group continues in the next word.
    let (mut open, mut letters) = (Vec::new(), 0);
    let mut at = start;
    while let Some(Piece::Word { charset, is_base64, data }) = pieces.get(at) {
        if !charset.eq_ignore_ascii_case(common) {
            break;
        }
        match is_base64 {
            true => {
                if open.is_empty() {
                    starts.push(bytes.len());
                }
                open.extend_from_slice(data);
                letters += data.iter().filter(|byte| is_letter(**byte)).count();
                if !ends_within_a_group(letters, data) {
                    bytes.extend(decode::base64(&std::mem::take(&mut open)));
                    letters = 0;
                }
            }
            false => {
                bytes.extend(decode::base64(&std::mem::take(&mut open)));
                letters = 0;
                starts.push(bytes.len());
                bytes.extend(quoted(data));
            }
        }
        at += 1;
    }
    bytes.extend(decode::base64(&open));
    if starts.len() > 1 && common.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("iso-2022-jp")) {
        bytes = shifted::each_in_ascii(&bytes, &starts);
    }
    (bytes, at)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether bits of a further byte remain, which are zero where a text ends; after so many letters, the last of them in
/// `data`.
fn ends_within_a_group(letters: usize, data: &[u8]) -> bool {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    if data.ends_with(b"=") {
        return false;
    }
    let last = data.iter().rev().copied().find(|byte| is_letter(*byte)).map_or(0, value);
    match letters % 4 {
        0 => false,
        1 => true,
        2 => last & 0b1111 != 0,
        _ => last & 0b11 != 0,
    }
}

/// The encoding `Q`.
fn quoted(data: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = data.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
    decode::hexadecimal(&spaced, b'=')
}

/// Without the white space between two encoded words.
fn pieces(value: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut plain, mut at) = (0, 0);
    let last_end = memmem::rfind(value, b"?=").unwrap_or_default();
    while let Some(found) = memmem::find(&value[at..], b"=?").map(|offset| at + offset) {
        let Some((word, length)) = word(&value[found..], last_end.saturating_sub(found)) else {
            at = found + 2;
            continue;
        };
        let between = &value[plain..found];
        let follows = matches!(pieces.last(), Some(Piece::Word { .. }));
        let is_space = follows && between.trim_ascii().is_empty();
        if !is_space && !between.is_empty() {
            pieces.push(Piece::Plain(between));
        }
        pieces.push(word);
        at = found + length;
        plain = at;
    }
    if plain < value.len() {
        pieces.push(Piece::Plain(&value[plain..]));
    }
    pieces
}

/// The longest name of a character set.
const LONGEST_NAME: usize = 60;

/// The encoded word at the beginning, and its length. The end of the value ends it too. `last_end`: where the last end
/// of a word is.
fn word(bytes: &[u8], last_end: usize) -> Option<(Piece<'_>, usize)> {
    let rest = bytes.strip_prefix(b"=?")?;
    let end = rest.iter().take(LONGEST_NAME).position(|byte| *byte == b'?')?;
    let charset = std::str::from_utf8(&rest[..end]).ok()?;
    // RFC 2231: a language may follow.
    let charset = charset.split('*').next().filter(|name| !name.is_empty() && !name.contains([' ', '=']))?;
    let is_base64 = match rest.get(end + 1..end + 3)? {
        [b'b' | b'B', b'?'] => true,
        [b'q' | b'Q', b'?'] => false,
        _ => return None,
    };
    let data = &rest[end + 3..];
    let start = bytes.len() - data.len();
    let ending = if start <= last_end { memmem::find(data, b"?=") } else { None };
    let (data, length) = match ending {
        Some(length) => (&data[..length], length + 2),
        // Cut off, perhaps within its end.
        None if !data.contains(&b' ') => (data.strip_suffix(b"?").unwrap_or(data), data.len()),
        None => return None,
    };
    Some((Piece::Word { charset, is_base64, data }, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_follow_one_another_are_one_text() {
        for (value, expected) in [
            ("hola", "hola"),
            ("=?utf-8?Q?C=C3=A1mara_da=C3?= =?UTF-8?q?=B1ada?=", "Cámara dañada"),
            ("=?utf-8?B?w6E=?=   =?utf-8?B?w6k=?=", "áé"),
            ("=?utf-8?B?w6E=?==?utf-8?B?w6k=?=", "áé"),
            ("Re: =?iso-8859-1?Q?=E1?= y =?utf-8?b?w6k?=", "Re: á y é"),
            ("=?utf-8?Q?=C3?= =?utf-8?B?oQ==?=", "á"),
            ("=?iso-8859-1?Q?=E1?= =?utf-8?Q?=C3=A9?=", "áé"),
            // One text of base64 that was parted anywhere.
            ("=?utf-8?B?SW1wcmV?= =?utf-8?B?zacOzbg?=", "Impresión"),
            ("=?utf-8?B?aG9s?= =?utf-8?B?YQ?= =?utf-8?B?aG9sYQ?=", "holahola"),
            ("=?utf-8?B?SW1w*cmVz#acOzbg==?=", "Impresión"),
            ("=?utf-8*es?Q?=C3=A1?=", "á"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?ISO-2022-JP?B?GyRCS1wbKEI=?=", "日本"),
            ("=?iso-2022-jp?Q?=1B$BF|?= =?iso-2022-jp?Q?.pdf?=", "日.pdf"),
            ("=?cp437?Q?Impresi=A2n?=", "Impresión"),
            ("=?utf-8?Q?Sin red en el piso 3?=", "Sin red en el piso 3"),
            ("=?utf-8?Q?100=?=", "100="),
            ("=?utf-8?Q?cortad=C3=A1", "cortadá"),
            ("=?utf-8?B?w6E=?", "á"),
            ("=?x?no", "=?x?no"),
            ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
            ("a =? b", "a =? b"),
            ("=?x-none?Q?a=F1o?=", "año"),
        ] {
            assert_eq!(decoded(value.as_bytes()), expected, "{value}");
        }
        assert_eq!(
            decoded(b"Impresora da\xf1ada en =?utf-8?Q?Itag=C3=BC=C3=AD?="),
            "Impresora dañada en Itagüí"
        );
        assert_eq!(decoded(b"\x1b$BF|K\\\x1b(B"), "日本");
    }

    #[test]
    fn what_was_encoded_stays_encoded_in_an_address_field() {
        assert_eq!(
            in_utf8(b"=?utf-8?B?LCA8?= =?utf-8?Q?=C3=A1?= <a@x.test>, Jos\xe9 <b@x.test>"),
            "=?utf-8?Q?=2C=20=3C=C3=A1?= <a@x.test>, José <b@x.test>"
        );
    }

    #[test]
    fn many_beginnings_of_words_are_looked_at_once() {
        let many = "=?utf-8?Q?".repeat(25_000);
        assert!(decoded(many.as_bytes()).len() <= many.len());
        let many = "=?utf-8?Q?a ".repeat(20_000);
        assert_eq!(decoded(many.as_bytes()), many);
    }
}
