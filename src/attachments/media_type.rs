//! The media type of a file, determined from its content while it arrives, and whether it is accepted.

use memchr::memmem;

use super::file_name;
use super::macros::{self, MacroSearch};
use super::text_check::TextCheck;
use crate::problem::{Code, Problem, Result, Text};

/// How much of the beginning is inspected: `infer` searches office documents within 6,000 bytes after each of three
/// places.
const BEGINNING: usize = 32 * 1024;

/// Media types that a browser, a system or an office program runs; a `*` in the configuration does not include them.
const RUNNABLE: [&str; 16] = [
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/vnd.microsoft.portable-executable",
    macros::EXCEL,
    macros::EXCEL_BINARY,
    macros::POWERPOINT,
    macros::WORD,
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-msdownload",
    "application/x-shockwave-flash",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/html",
    "text/javascript",
    "text/x-shellscript",
];

/// Content that arrives in pieces.
#[derive(Debug, Default)]
pub struct Inspector {
    beginning: Vec<u8>,
    text: TextCheck,
    macros: MacroSearch,
}

impl Inspector {
    pub fn add(&mut self, piece: &[u8]) {
        let room = BEGINNING - self.beginning.len();
        self.beginning.extend_from_slice(&piece[..piece.len().min(room)]);
        self.text.add(piece);
        if self.beginning.starts_with(b"PK") {
            self.macros.add(piece);
        }
    }

    /// The media type of all that was added; for text, which has no signature, by the extension of the (safe) name.
    pub fn media_type(&self, name: &str) -> &'static str {
        if is_java_archive(&self.beginning) {
            return "application/java-archive";
        }
        let by_signature = infer::get(&self.beginning).map(|kind| kind.mime_type());
        let extension = file_name::extension(name);
        match (self.text.is_text(&self.beginning), by_signature) {
            // The class of the document is not always named in it.
            (false, Some("application/x-ole-storage")) => ole_type(&extension),
            (false, Some(found)) => self.macros.media_type(found, &extension).unwrap_or(found),
            (false, None) => "application/octet-stream",
            (true, Some(found)) if self.text.has_controls() && !is_text_format(found) => found,
            (true, by_signature) => text_type(&self.beginning, &extension, by_signature),
        }
    }
}

/// The type of a document in the older format of office programs.
fn ole_type(extension: &str) -> &'static str {
    match extension {
        "doc" | "dot" => "application/msword",
        "xls" | "xlt" => "application/vnd.ms-excel",
        "ppt" | "pps" => "application/vnd.ms-powerpoint",
        "msg" => "application/vnd.ms-outlook",
        _ => "application/x-ole-storage",
    }
}

/// Signatures of formats that are text. Text without control characters that begins with the letters of another signature,
/// such as `BM` or `MZ`, is not of that format.
const TEXT_SIGNATURES: [&str; 5] =
    ["application/pdf", "application/postscript", "application/rtf", "text/html", "text/x-shellscript"];

fn is_text_format(media_type: &str) -> bool {
    media_type == "text/xml" || TEXT_SIGNATURES.contains(&media_type)
}

fn text_type(beginning: &[u8], extension: &str, by_signature: Option<&'static str>) -> &'static str {
    match extension {
        "svg" => return "image/svg+xml",
        "xhtml" | "xht" => return "application/xhtml+xml",
        _ => {}
    }
    if by_signature == Some("text/xml") || extension == "xml" {
        let has = |namespace: &[u8]| memmem::find(beginning, namespace).is_some();
        return match () {
            () if has(b"<svg") || has(b"www.w3.org/2000/svg") => "image/svg+xml",
            () if has(b"www.w3.org/1999/xhtml") => "application/xhtml+xml",
            () => "text/xml",
        };
    }
    let is_letters = beginning.iter().take(4).all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
    if let Some(found) = by_signature.filter(|found| !is_letters || TEXT_SIGNATURES.contains(found)) {
        return found;
    }
    match extension {
        "csv" => "text/csv",
        "json" => "application/json",
        "eml" => "message/rfc822",
        "html" | "htm" => "text/html",
        "mjs" | "cjs" => "text/javascript",
        _ => "text/plain",
    }
}

/// A ZIP whose first entry is the folder of a manifest.
fn is_java_archive(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04")
        && beginning.get(30..).is_some_and(|name| name.starts_with(b"META-INF/"))
}

/// # Errors
/// [Code::UnsupportedMediaType] if opening a file of this (safe) name would run it.
pub fn check_name(name: &str) -> Result<()> {
    if !file_name::is_runnable(name) {
        return Ok(());
    }
    let extension = file_name::extension(name);
    Err(Problem::new(
        Code::UnsupportedMediaType,
        Text::made(
            format!("No se admiten archivos .{extension}, que se ejecutan al abrirlos."),
            format!("Files named .{extension} are not accepted: opening one runs it."),
        ),
    ))
}

/// # Errors
/// [Code::UnsupportedMediaType] if the configuration does not allow files of this media type.
pub fn check(media_type: &str, allowed: &[String]) -> Result<()> {
    if allowed.iter().any(|allowed| matches(allowed, media_type)) {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        Text::made(
            format!("No se admiten archivos de tipo {media_type}."),
            format!("Files of the type {media_type} are not accepted."),
        ),
    ))
}

/// Whether an entry of the configuration, such as `image/*`, includes this media type.
fn matches(allowed: &str, media_type: &str) -> bool {
    let beginning = if allowed == "*/*" { Some("") } else { allowed.strip_suffix('*') };
    match beginning {
        Some(beginning) => media_type.starts_with(beginning) && !RUNNABLE.contains(&media_type),
        None => allowed == media_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sniff(bytes: &[u8], name: &str) -> &'static str {
        let mut inspector = Inspector::default();
        inspector.add(bytes);
        inspector.media_type(name)
    }

    #[test]
    fn content_shows_the_type_whatever_the_name_says() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n rest", "photo.pdf"), "image/png");
        assert_eq!(
            sniff(b"MZ\x90\x00\x03\x00\x00\x00\x04\x00", "photo.png"),
            "application/vnd.microsoft.portable-executable"
        );
        let jar = [b"PK\x03\x04".as_slice(), &[0; 26], b"META-INF/MANIFEST.MF"].concat();
        assert_eq!(sniff(&jar, "datos.zip"), "application/java-archive");
        assert_eq!(sniff("Señal débil".as_bytes(), "nota.txt"), "text/plain");
        assert_eq!(sniff(b"a,b\n1,2", "datos.CSV"), "text/csv");
        assert_eq!(sniff(b"\xff\x00\x01", "datos.csv"), "application/octet-stream");
        let ole = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 600]].concat();
        assert_eq!(sniff(&ole, "correo.msg"), "application/vnd.ms-outlook");
        assert_eq!(sniff(&ole, "carta.doc"), "application/msword");
        assert_eq!(sniff(&ole, "datos.bin"), "application/x-ole-storage");
    }

    #[test]
    fn text_is_text_whatever_its_character_set_and_its_first_letters() {
        for (content, name, expected) in [
            (b"placa;a\xf1o\n10;2026\n".as_slice(), "inventario.csv", "text/csv"),
            (b"Se\xf1al d\xe9bil", "nota.log", "text/plain"),
            (b"From: a@x.co\n\nSe\xf1al", "correo.eml", "message/rfc822"),
            (b"\xff\xfeH\0o\0l\0a\0", "nota.txt", "text/plain"),
            (b"\xfe\xff\0H\0o\0l\0a", "nota.csv", "text/csv"),
            (
                b"2026-11-24 10:00 arranque \0 2026-11-24 10:01 sin respuesta del servidor",
                "a.log",
                "text/plain",
            ),
            (b"BM es la sigla del equipo que falla", "nota.txt", "text/plain"),
            (b"MZ-10 no enciende", "nota.txt", "text/plain"),
            (b"FWS: sin red", "nota.txt", "text/plain"),
            (b"GIF animado no abre", "nota.txt", "text/plain"),
            (b"{\\rtf1\\ansi Hola}", "carta.rtf", "application/rtf"),
            (b"%PDF-1.4 todo en texto", "a.txt", "application/pdf"),
            (b"<?xml version=\"1.0\"?><Invoice/>", "factura.xml", "text/xml"),
            (b"<Invoice/>", "factura.xml", "text/xml"),
            (
                b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                "factura.xml",
                "image/svg+xml",
            ),
            (b"<?xml version=\"1.0\"?><svg/>", "plano.svg", "image/svg+xml"),
            (
                b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
                "a.txt",
                "application/xhtml+xml",
            ),
            (b"<html><body>Hola", "a.txt", "text/html"),
            (b"#!/bin/sh\n", "a.txt", "text/x-shellscript"),
        ] {
            assert_eq!(sniff(content, name), expected, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn a_signature_counts_where_control_characters_are() {
        let words = "2026-11-24 10:00 sin respuesta del servidor\n".repeat(3000);
        let with = |beginning: &[u8]| [beginning, words.as_bytes()].concat();
        let program = "application/vnd.microsoft.portable-executable";
        for control in [b'\0', 1, 0x7f] {
            assert_eq!(sniff(&with(&[b'M', b'Z', b'x', b'1', control]), "a.txt"), program);
            assert_eq!(sniff(&with(&[b'M', b'Z', b'x', b'1', control]), "a.svg"), program);
            assert_eq!(sniff(&with(&[b'x', control]), "a.log"), "text/plain");
        }
        assert_eq!(sniff(&with(b"MZx1\x0c\x1b[1m"), "a.log"), "text/plain");
        let mut header = [0; 512];
        header[..10].copy_from_slice(b"logs/a.log");
        header[257..265].copy_from_slice(b"ustar\x0000");
        for name in ["logs.tar", "logs.xml", "logs.svg"] {
            assert_eq!(sniff(&with(&header), name), "application/x-tar", "{name}");
        }
        assert_eq!(sniff(&with(b"<?xml version=\"1.0\"?><svg/>\x01"), "a.txt"), "image/svg+xml");
    }

    proptest! {
        #[test]
        fn pieces_show_the_same_type_as_the_whole(
            content in prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>()], size in 1_usize..7,
        ) {
            let mut pieces = Inspector::default();
            content.chunks(size).for_each(|piece| pieces.add(piece));
            prop_assert_eq!(pieces.media_type("a.txt"), sniff(&content, "a.txt"));
        }
    }

    #[test]
    fn a_star_stands_for_what_follows_but_for_what_runs() {
        assert!(matches("image/*", "image/png") && matches("text/plain", "text/plain"));
        assert!(!matches("image/*", "text/plain") && !matches("text/plain", "text/plain2"));
        assert!(!matches("image/*", "image/svg+xml") && !matches("*/*", "text/html"));
        assert!(matches("*/*", "application/octet-stream"));
        assert!(matches("image/svg+xml", "image/svg+xml"));
        assert!(matches(macros::WORD, macros::WORD) && !matches("application/*", macros::WORD));
    }
}
