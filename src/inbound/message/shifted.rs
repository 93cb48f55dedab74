//! Character sets of seven bits in which sequences of ASCII shift between alphabets: ISO-2022-JP and HZ.

use encoding_rs::{GBK, ISO_2022_JP};

use super::charsets;

const ESCAPE: u8 = 0x1b;
const TO_ASCII: &[u8] = b"\x1b(B";

/// The text of ISO-2022-JP. An escape sequence that has no effect, since another follows, is not an error, and a line
/// begins in ASCII (RFC 1468).
pub fn japanese(bytes: &[u8]) -> String {
    let mut settled = Vec::with_capacity(bytes.len());
    let (mut at, mut is_double) = (0, false);
    let mut pending = None;
    while let Some(byte) = bytes.get(at) {
        if let Some(escape) = escape(&bytes[at..]) {
            at += escape.len();
            pending = Some(escape);
            continue;
        }
        let shift = pending.take();
        let becomes_double = shift.map_or(is_double, |escape: &[u8]| escape.starts_with(b"\x1b$"));
        let ends = becomes_double && matches!(byte, b'\n' | b'\r');
        settled.extend_from_slice(if ends { TO_ASCII } else { shift.unwrap_or_default() });
        is_double = becomes_double && !ends;
        settled.push(*byte);
        at += 1;
    }
    ISO_2022_JP.decode_without_bom_handling(&settled).0.into_owned()
}

/// The escape sequence at the beginning.
fn escape(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        // The last one announces a version of the alphabet.
        [ESCAPE, b'(', b'B' | b'J' | b'I', ..]
        | [ESCAPE, b'$', b'@' | b'B', ..]
        | [ESCAPE, b'&', b'@', ..] => Some(&bytes[..3]),
        _ => None,
    }
}

/// The bytes of encoded words in ISO-2022-JP, which begin at `starts`. Each word begins in ASCII (RFC 2047, 5), unless
/// the next escape sequence shows that the text was parted within another alphabet.
pub fn each_in_ascii(bytes: &[u8], starts: &[usize]) -> Vec<u8> {
    let mut resets = Vec::new();
    let (mut end, mut next) = (bytes.len(), None);
    for start in starts.iter().rev().copied().filter(|start| *start > 0) {
        next = memchr::memchr(ESCAPE, &bytes[start..end]).map(|offset| start + offset).or(next);
        end = start;
        if !next.is_some_and(|at| bytes[at..].starts_with(b"\x1b(")) {
            resets.push(start);
        }
    }
    let mut whole = Vec::with_capacity(bytes.len() + resets.len() * TO_ASCII.len());
    let mut copied = 0;
    for start in resets.into_iter().rev() {
        whole.extend_from_slice(&bytes[copied..start]);
        whole.extend_from_slice(TO_ASCII);
        copied = start;
    }
    whole.extend_from_slice(&bytes[copied..]);
    whole
}

/// The text of HZ (RFC 1843). Bytes that are not ASCII are guessed, see [charsets::text].
pub fn hz(bytes: &[u8]) -> String {
    if !bytes.is_ascii() {
        return charsets::text(bytes, None);
    }
    let mut gbk = Vec::with_capacity(bytes.len());
    let (mut rest, mut is_double) = (bytes, false);
    loop {
        rest = match rest {
            [] => break,
            [b'~', shift @ (b'{' | b'}'), rest @ ..] => {
                is_double = *shift == b'{';
                rest
            }
            [high @ 0x21..=0x77, low @ 0x21..=0x7e, rest @ ..] if is_double => {
                gbk.extend([high | 0x80, low | 0x80]);
                rest
            }
            [b'~', b'\n', rest @ ..] | [b'~', b'\r', b'\n', rest @ ..] => rest,
            [b'~', b'~', rest @ ..] => {
                gbk.push(b'~');
                rest
            }
            [byte, rest @ ..] => {
                is_double = is_double && *byte != b'\n';
                gbk.push(*byte);
                rest
            }
        };
    }
    GBK.decode_without_bom_handling(&gbk).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_without_effect_is_no_error() {
        for (bytes, expected) in [
            (b"\x1b$BF|\x1b(B\x1b$BK\\\x1b(B OK".as_slice(), "日本 OK"),
            (b"\x1b(B\x1b$BF|K\\\x1b(J\x1b(B", "日本"),
            (b"\x1b&@\x1b$BF|K\\", "日本"),
            (b"\x1b$BF|\r\nK\r\n", "日\r\nK\r\n"),
            (b"\x1b$B\nK", "\nK"),
            (b"\x1b(I1\x1b(B", "ｱ"),
            (b"\x1b", "\u{fffd}"),
        ] {
            assert_eq!(japanese(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn each_word_begins_in_ascii_unless_it_was_parted() {
        let read = |words: &[&[u8]]| {
            let starts: Vec<usize> = (0..words.len()).map(|at| words[..at].concat().len()).collect();
            japanese(&each_in_ascii(&words.concat(), &starts))
        };
        assert_eq!(read(&[b"\x1b$BF|\x1b(B", b"\x1b$BK\\\x1b(B"]), "日本");
        assert_eq!(read(&[b"\x1b$BF|", b"\x1b$BK\\"]), "日本");
        assert_eq!(read(&[b"\x1b$BF|", b".pdf"]), "日.pdf");
        assert_eq!(read(&[b"\x1b$BF|", b"K\\\x1b(B.pdf"]), "日本.pdf");
        assert_eq!(read(&[b"\x1b$BF", b"|K", b"\\\x1b(B.pdf"]), "日本.pdf");
        assert_eq!(read(&[]), "");
    }

    #[test]
    fn hz_shifts_between_ascii_and_chinese() {
        for (bytes, expected) in [
            (b"PC: ~{4rS!;z~}.".as_slice(), "PC: 打印机."),
            (b"~{4rS!\n;z", "打印\n;z"),
            (b"~{4r~}~{S!~{;z~}", "打印机"),
            (b"a~~b~\nc~\r\nd~", "a~bcd~"),
            ("año".as_bytes(), "año"),
        ] {
            assert_eq!(hz(bytes), expected, "{bytes:?}");
        }
    }
}
