//! Text from bytes: by the declared character set if it fits, otherwise by what the bytes show. Never rejected.

use std::collections::HashSet;

use encoding_rs::{
    Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED,
};
use mail_parser::decoders::charsets::DecoderFnc;
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memmem;

use super::{dos, shifted};

/// The text of the bytes. If the character set is missing or does not fit, it is guessed: UTF-8 if the bytes are
/// valid UTF-8, otherwise Windows-1252. In text that is UTF-8 except for single bytes, only these are read as
/// Windows-1252.
pub fn text(bytes: &[u8], declared: Option<&str>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    if is_japanese(bytes) {
        return shifted::japanese(bytes);
    }
    let encoding = match declared.map_or(Charset::Unknown, Charset::named) {
        Charset::Known(encoding) if encoding == ISO_2022_JP && bytes.is_ascii() => {
            return shifted::japanese(bytes);
        }
        Charset::Known(encoding) => encoding,
        Charset::Unknown => WINDOWS_1252,
        Charset::Other(decode) => return decode(bytes),
    };
    if encoding == UTF_8 || encoding == WINDOWS_1252 {
        return unrepeated(mostly_utf8(bytes, encoding == UTF_8));
    }
    // Bytes in these may be valid UTF-8 by accident.
    if !encoding.is_single_byte() {
        return several_bytes(encoding, bytes);
    }
    std::str::from_utf8(bytes).map_or_else(|_| lossy(encoding, bytes), str::to_owned)
}

/// Whether the label names a character set that can be read.
pub fn is_known(label: &str) -> bool {
    !matches!(Charset::named(label), Charset::Unknown)
}

fn lossy(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

enum Charset {
    Known(&'static Encoding),
    /// One that browsers do not know, such as UTF-7 and IBM850.
    Other(DecoderFnc),
    Unknown,
}

impl Charset {
    fn named(label: &str) -> Self {
        let label = label.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        let label =
            label.strip_prefix("charset=").unwrap_or(&label).split_whitespace().next().unwrap_or_default();
        let squeezed: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        let known = |label: &str| {
            Encoding::for_label(label.as_bytes())
                .filter(|known| ![REPLACEMENT, X_USER_DEFINED].contains(known))
        };
        // No decoder reads these.
        if ["iso2022kr", "iso2022cn", "xuserdefined", "unknown8bit"].contains(&squeezed.as_str()) {
            return Charset::Unknown;
        }
        if ["hzgb2312", "hz"].contains(&squeezed.as_str()) {
            return Charset::Other(shifted::hz);
        }
        if let Some(decode) = dos::decoder(&squeezed) {
            return Charset::Other(decode);
        }
        if let Some(encoding) =
            known(label).or_else(|| known(&label.replace('_', "-"))).or_else(|| known(&usual(&squeezed)))
        {
            return Charset::Known(encoding);
        }
        let label = if squeezed.ends_with("utf7") { "utf-7" } else { label };
        charset_decoder(label.as_bytes()).map_or(Charset::Unknown, Charset::Other)
    }
}

/// The usual label for one that is written without its hyphens, or as Windows and Python name it.
fn usual(squeezed: &str) -> String {
    if let Some(part) = squeezed.strip_prefix("iso8859") {
        return format!("iso-8859-{part}");
    }
    for prefix in ["windows", "win", "xwindows", "xcp", "cp", "ansi"] {
        if let Some(page) = squeezed.strip_prefix(prefix).filter(|page| page.starts_with("125")) {
            return format!("windows-{page}");
        }
    }
    let label = match squeezed {
        "cp932" | "ms932" | "shiftjis" | "shiftjisms" => "shift_jis",
        "cp936" | "gb231280" => "gbk",
        "cp949" | "uhc" => "euc-kr",
        "cp950" => "big5",
        "cp50220" | "cp50221" | "cp50222" | "iso2022jp1" | "iso2022jp2" | "iso2022jpms" => "iso-2022-jp",
        "utf8mb4" | "xutf8" | "utf8n" => "utf-8",
        "usascii" | "ansi" | "iso646us" | "8bit" => "windows-1252",
        _ => squeezed,
    };
    label.to_owned()
}

/// ISO-2022-JP, which its escape sequences show.
fn is_japanese(bytes: &[u8]) -> bool {
    let begins: [&[u8]; 3] = [b"\x1b$B", b"\x1b$@", b"\x1b(J"];
    memchr::memchr(0x1b, bytes).is_some()
        && bytes.is_ascii()
        && begins.iter().any(|escape| memmem::find(bytes, escape).is_some())
}

/// As declared, unless the bytes do not fit and are UTF-8.
fn several_bytes(encoding: &'static Encoding, bytes: &[u8]) -> String {
    let encoding = match encoding == UTF_16BE || encoding == UTF_16LE {
        true => byte_order(bytes, encoding),
        false => encoding,
    };
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return text.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => lossy(encoding, bytes),
    }
}

/// Which of the bytes are zero shows the order; none, that it is not UTF-16.
fn byte_order(bytes: &[u8], declared: &'static Encoding) -> &'static Encoding {
    let start = &bytes[..bytes.len().min(1000)];
    let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 0) if std::str::from_utf8(bytes).is_ok() => UTF_8,
        (high, low) if high > low => UTF_16BE,
        (high, low) if low > high => UTF_16LE,
        _ => declared,
    }
}

/// UTF-8 with single bytes of Windows-1252, or Windows-1252 as a whole. Without a declaration it must have at least as
/// many characters of several bytes as stray bytes.
fn mostly_utf8(bytes: &[u8], is_declared: bool) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let (mut sound, mut stray) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        stray += chunk.invalid().len();
    }
    if sound == 0 || !is_declared && sound < stray {
        return lossy(WINDOWS_1252, bytes);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    text
}

/// The text before UTF-8 was read as Windows-1252 or ISO-8859-1 and encoded again. Only if all of it can be reversed and
/// gives valid UTF-8, and if its author does not cite broken letters, see `is_text_of_its_own`.
fn unrepeated(text: String) -> String {
    if !text.contains(['Ã', 'Â'])
        && !["â€", "â\u{80}", "ðŸ", "ð\u{9f}"].iter().any(|pair| text.contains(pair))
    {
        return text;
    }
    let high: Vec<u8> = (0x80..=0x9f).collect();
    let high: Vec<char> = WINDOWS_1252.decode_without_bom_handling(&high).0.chars().collect();
    let byte = |c: char| match u8::try_from(u32::from(c)) {
        Ok(byte) => Some(byte),
        Err(_) => high.iter().position(|known| *known == c).and_then(|at| u8::try_from(0x80 + at).ok()),
    };
    let bytes: Option<Vec<u8>> = text.chars().map(byte).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(repaired)) if is_text_of_its_own(&repaired) => repaired,
        _ => text,
    }
}

/// Whether the repaired characters belong to the words of a text. One who writes about broken letters cites them alone:
/// `sale Ã± en la firma`. So one of these must apply:
///
/// 1. One of them has a letter of ASCII on both sides.
/// 2. Two different ones have a letter on one side.
/// 3. So many have a letter on one side that there is one for every two words.
fn is_text_of_its_own(repaired: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    let (mut different, mut count) = (HashSet::new(), 0);
    let mut before = None;
    let mut chars = repaired.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii() {
            match (is_letter(before), is_letter(chars.peek().copied())) {
                (true, true) => return true,
                (false, false) => {}
                _ => {
                    different.insert(c);
                    count += 1;
                }
            }
        }
        before = Some(c);
    }
    different.len() > 1 || count > 0 && 2 * count >= repaired.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_that_is_missing_or_wrong_is_guessed() {
        for (bytes, declared, expected) in [
            ("mañana".as_bytes(), None, "mañana"),
            (b"ma\xf1ana", None, "mañana"),
            (b"ma\xf1ana \x80", Some("utf-8"), "mañana €"),
            ("mañana".as_bytes(), Some("iso-8859-1"), "mañana"),
            (b"\x93ma\xf1ana\x94", Some("ISO-8859-1"), "“mañana”"),
            (b"5 \xa4", Some("\"ISO8859_15\""), "5 €"),
            (b"ma\xf1ana", Some("x-no-such"), "mañana"),
            (b"ma\xf1ana", Some("unknown-8bit"), "mañana"),
            (b"\x93\xfa\x96\x7b", Some("Shift_JIS"), "日本"),
            (b"\x93\xfa\x96\x7b", Some("cp932"), "日本"),
            ("日本語 ñ".as_bytes(), Some("gb2312"), "日本語 ñ"),
            (b"\xc4\xe3\xba\xc3", Some("gb2312"), "你好"),
            (b"\x1b$BF|K\\\x1b(B", Some("ISO-2022-JP"), "日本"),
            (b"\x1b$BF|K\\\x1b(B", Some("us-ascii"), "日本"),
            (b"\x1b[31mError\x1b(B", None, "\u{1b}[31mError\u{1b}(B"),
            (b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("CP-1251"), "Привет"),
            (b"\xcf\xf0\xe8", Some("charset=windows-1251"), "При"),
            (b"+AOE-", Some("utf-7"), "á"),
            (b"+AOE-", Some("unicode-1-1-utf-7"), "á"),
            (b"\xa0", Some("cp850"), "á"),
            (b"Impresi\xa2n", Some("IBM437"), "Impresión"),
            (b"100 \xd5", Some("\"IBM00858\""), "100 €"),
            (b"~{4rS!;z~}", Some("HZ-GB-2312"), "打印机"),
            (b"~{4rS!;z~}", None, "~{4rS!;z~}"),
            (b"\x1b$BF|\x1b(B\x1b$BK\\\x1b(B", Some("iso-2022-jp"), "日本"),
            (b"\x1b(I1\x1b(B\x1b(I2\x1b(B", Some("ISO-2022-JP-MS"), "ｱｲ"),
        ] {
            assert_eq!(text(bytes, declared), expected, "{declared:?}");
        }
        assert_eq!(text(b"\xbf\xbf", Some("koi8-r")).chars().count(), 2);
    }

    #[test]
    fn a_stray_byte_is_read_alone() {
        assert_eq!(text(b"a\xc3\xb1o, informaci\xf3n", Some("utf-8")), "año, información");
        assert_eq!(text(b"a\xc3\xb1o, c\xc3\xa1mara, informaci\xf3n", None), "año, cámara, información");
        assert_eq!(text(b"\xe1\xe9\xed \xc3\xb1 \xf3", None), "áéí Ã± ó");
    }

    #[test]
    fn utf_16_is_read_in_the_order_of_its_bytes() {
        for (bytes, declared) in [
            (&b"\xff\xfe\xf1\0a\0"[..], None),
            (b"\xfe\xff\0\xf1\0a", Some("us-ascii")),
            (b"\0\xf1\0a", Some("utf-16")),
            (b"\xf1\0a\0", Some("UTF-16")),
            ("ña".as_bytes(), Some("utf-16")),
            (b"\xef\xbb\xbf\xc3\xb1a", Some("iso-8859-15")),
        ] {
            assert_eq!(text(bytes, declared), "ña", "{bytes:?}");
        }
    }

    #[test]
    fn text_encoded_twice_is_repaired_where_it_is_certain() {
        for (twice, once) in [
            ("CÃ¡mara daÃ±ada", "Cámara dañada"),
            ("â€œSin redâ€\u{9d}", "“Sin red”"),
            ("Â¿QuiÃ©n?", "¿Quién?"),
            ("La sesiÃ³n no abre en el equipo", "La sesión no abre en el equipo"),
            ("Hoy no estÃ¡ quien firmÃ³ el acta", "Hoy no está quien firmó el acta"),
            ("JosÃ© Ruiz", "José Ruiz"),
            ("Ã¡rea", "área"),
            // About broken letters, without another accent.
            ("El PDF muestra Ã± en la firma", "El PDF muestra Ã± en la firma"),
            ("Salen \"Ã±\", 'Ã¡' y Ã©.", "Salen \"Ã±\", 'Ã¡' y Ã©."),
            ("Sale Ã±Ã¡Ã© y no abre", "Sale Ã±Ã¡Ã© y no abre"),
            ("Ã±", "Ã±"),
            ("En la firma del PDF sale JosÃ© Ruiz", "En la firma del PDF sale JosÃ© Ruiz"),
            // Portuguese, and a report about such text.
            ("JOÃO NÃO", "JOÃO NÃO"),
            ("Sale Ã± en vez de ñ", "Sale Ã± en vez de ñ"),
            ("Ã± 日", "Ã± 日"),
        ] {
            assert_eq!(text(twice.as_bytes(), Some("utf-8")), once);
        }
    }
}
