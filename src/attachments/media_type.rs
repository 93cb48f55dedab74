//! The media type of a file, determined from its content while it arrives, and whether it is accepted.

use super::file_name;
use crate::problem::{Code, Problem, Result, Text};

/// How much of the beginning is inspected: `infer` searches office documents within 6,000 bytes after each of three
/// places.
const BEGINNING: usize = 32 * 1024;

/// Media types that a browser or a system runs; a `*` in the configuration does not include them.
const RUNNABLE: [&str; 12] = [
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/vnd.microsoft.portable-executable",
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
    /// The bytes of a character that the last piece did not complete.
    incomplete: Vec<u8>,
    is_binary: bool,
}

impl Inspector {
    pub fn add(&mut self, piece: &[u8]) {
        let room = BEGINNING - self.beginning.len();
        self.beginning.extend_from_slice(&piece[..piece.len().min(room)]);
        if !self.is_binary {
            self.is_binary = piece.contains(&0) || !self.is_text(piece);
        }
    }

    /// Whether the piece continues valid UTF-8.
    fn is_text(&mut self, mut piece: &[u8]) -> bool {
        while !self.incomplete.is_empty() {
            let Some((first, rest)) = piece.split_first() else { return true };
            self.incomplete.push(*first);
            piece = rest;
            match std::str::from_utf8(&self.incomplete) {
                Ok(_) => self.incomplete.clear(),
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                self.incomplete.extend_from_slice(&piece[error.valid_up_to()..]);
                true
            }
        }
    }

    /// The media type of all that was added; for text, which has no signature, by the extension of the (safe) name.
    pub fn media_type(&self, name: &str) -> &'static str {
        if is_java_archive(&self.beginning) {
            return "application/java-archive";
        }
        if let Some(kind) = infer::get(&self.beginning) {
            return kind.mime_type();
        }
        if self.is_binary || !self.incomplete.is_empty() {
            return "application/octet-stream";
        }
        match file_name::extension(name).as_str() {
            "csv" => "text/csv",
            "json" => "application/json",
            "eml" => "message/rfc822",
            "svg" => "image/svg+xml",
            "html" | "htm" => "text/html",
            "xhtml" | "xht" => "application/xhtml+xml",
            "mjs" | "cjs" => "text/javascript",
            _ => "text/plain",
        }
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
        assert_eq!(sniff("Señal".as_bytes().split_at(3).0, "nota.txt"), "application/octet-stream");
    }

    proptest! {
        #[test]
        fn pieces_show_the_same_type_as_the_whole(
            content in prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>()], size in 1_usize..7,
        ) {
            let mut pieces = Inspector::default();
            content.chunks(size).for_each(|piece| pieces.add(piece));
            prop_assert_eq!(pieces.media_type("a.txt"), sniff(&content, "a.txt"));
            let text = std::str::from_utf8(&content).is_ok() && !content.contains(&0);
            prop_assert_eq!(!pieces.is_binary && pieces.incomplete.is_empty(), text);
        }
    }

    #[test]
    fn a_star_stands_for_what_follows_but_for_what_runs() {
        assert!(matches("image/*", "image/png") && matches("text/plain", "text/plain"));
        assert!(!matches("image/*", "text/plain") && !matches("text/plain", "text/plain2"));
        assert!(!matches("image/*", "image/svg+xml") && !matches("*/*", "text/html"));
        assert!(matches("*/*", "application/octet-stream"));
        assert!(matches("image/svg+xml", "image/svg+xml"));
    }
}
