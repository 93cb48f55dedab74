//! Receiving a file: bounded, sniffed, its name made safe, its content kept in the object store.

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, Payload};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use crate::desk::Desk;
use crate::http::body::in_time;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// A file whose content is in the object store.
#[derive(Debug, Clone)]
pub struct Received {
    pub file_name: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: String,
    /// The same for the same content, so that a repeated upload takes no more room.
    pub storage_key: String,
}

impl Received {
    /// What tells this file from another under the same `Idempotency-Key`.
    pub fn fingerprint(&self) -> Vec<u8> {
        format!("{} {}", self.sha256, self.file_name).into_bytes()
    }
}

/// Why a file with nothing in it is not taken.
pub const EMPTY: Text = Text::new("El archivo está vacío.", "The file is empty.");

/// What a form may have beside its file, in bytes.
const FORM: usize = 64 * 1024;

/// How long a file may take to arrive.
pub const TIME: Duration = Duration::from_secs(10 * 60);

/// Reads the one file of a multipart body and keeps its content.
///
/// # Errors
/// 400, 413, 415 or 422 where the body is not one file of a size and type that the configuration allows; 503 where the
/// object store does not take it.
pub async fn receive(desk: &Desk, request: &HttpRequest, payload: Payload) -> Result<Received> {
    let limit = desk.config.attachment_max_bytes;
    // What says itself that it is too large is not waited for.
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit.saturating_add(FORM)) {
        return Err(too_large(limit));
    }
    let file = one_file(request, payload, limit);
    let (name, bytes) = in_time(TIME, file).await??;
    keep(desk, &name, bytes).await
}

/// Keeps the content of a file.
///
/// # Errors
/// 413 or 415 where it is not of a size and type that the configuration allows; 503 where the object store does not take
/// it.
pub async fn keep(desk: &Desk, name: &str, bytes: Bytes) -> Result<Received> {
    if bytes.len() > desk.config.attachment_max_bytes {
        return Err(too_large(desk.config.attachment_max_bytes));
    }
    let content_type = sniff(&bytes, name);
    if !desk.config.attachment_types.iter().any(|allowed| matches(allowed, content_type)) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            Text::made(
                format!("No se admiten archivos de tipo {content_type}."),
                format!("Files of the type {content_type} are not taken."),
            ),
        ));
    }
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let storage_key = format!("{}/{sha256}", &sha256[..2]);
    let size = i64::try_from(bytes.len()).map_err(Problem::internal)?;
    desk.files
        .put(&Path::from(storage_key.as_str()), PutPayload::from_bytes(bytes))
        .await
        .map_err(Problem::unavailable)?;
    Ok(Received {
        file_name: safe_name(name),
        content_type: content_type.to_owned(),
        size,
        sha256,
        storage_key,
    })
}

async fn one_file(request: &HttpRequest, payload: Payload, limit: usize) -> Result<(String, Bytes)> {
    let mut form = Multipart::new(request.headers(), payload);
    let mut file = None;
    while let Some(mut field) = form.try_next().await.map_err(|error| unreadable(&error))? {
        if field.name() != Some("file") || file.is_some() {
            let name = field.name().unwrap_or_default().to_owned();
            return Err(Problem::field(FieldError::new(
                format!("/{name}"),
                FieldCode::UnknownField,
                Text::new("Envíe un solo archivo, en `file`.", "Send one file, in `file`."),
            )));
        }
        let name = field.content_disposition().and_then(|disposition| disposition.get_filename());
        let name = name.unwrap_or_default().to_owned();
        // Not by the library's own way, which reads to the end what is too large.
        let mut bytes = Vec::new();
        while let Some(piece) = field.try_next().await.map_err(|error| unreadable(&error))? {
            if bytes.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&piece);
        }
        file = Some((name, Bytes::from(bytes)));
    }
    match file {
        Some((_, bytes)) if bytes.is_empty() => {
            Err(Problem::field(FieldError::new("/file", FieldCode::TooShort, EMPTY)))
        }
        Some(file) => Ok(file),
        None => Err(Problem::field(FieldError::required("/file"))),
    }
}

#[track_caller]
fn too_large(limit: usize) -> Problem {
    Problem::new(
        Code::TooLarge,
        Text::made(
            format!("El archivo admite hasta {limit} bytes."),
            format!("The file may have up to {limit} bytes."),
        ),
    )
}

#[track_caller]
fn unreadable(error: &actix_multipart::MultipartError) -> Problem {
    use actix_multipart::MultipartError as Error;
    match error {
        Error::ContentTypeMissing | Error::ContentTypeParse | Error::ContentTypeIncompatible => Problem::new(
            Code::UnsupportedMediaType,
            Text::new("Envíe multipart/form-data.", "Send multipart/form-data."),
        ),
        _ => Problem::new(
            Code::BadRequest,
            Text::new("El formulario está incompleto o dañado.", "The form is incomplete or damaged."),
        ),
    }
}

/// The media type that the content shows; for text, which shows none, by the ending of its name.
fn sniff(bytes: &[u8], name: &str) -> &'static str {
    if let Some(kind) = infer::get(bytes) {
        return kind.mime_type();
    }
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return "application/octet-stream";
    }
    match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "json" => "application/json",
        "eml" => "message/rfc822",
        "svg" => "image/svg+xml",
        "html" | "htm" | "xhtml" => "text/html",
        _ => "text/plain",
    }
}

/// Whether an entry of the configuration, such as `image/*`, stands for this media type.
fn matches(allowed: &str, content_type: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(beginning) => content_type.starts_with(beginning),
        None => allowed == content_type,
    }
}

/// The longest file name kept, in characters.
const NAME_LENGTH: usize = 150;

/// The last part of the name, without control and direction characters or what file systems reserve, and not too long.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let kept = kept.trim().trim_matches('.').trim();
    let (stem, ending) = match kept.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= 10 => (stem, Some(ending)),
        _ => (kept, None),
    };
    let stem: String = stem.chars().take(NAME_LENGTH).collect();
    match (stem.is_empty(), ending) {
        (true, _) => "file".to_owned(),
        (false, Some(ending)) => format!("{stem}.{ending}"),
        (false, None) => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_lose_their_folders_and_what_is_not_to_be_seen() {
        assert_eq!(safe_name("../../etc/passwd"), "passwd");
        assert_eq!(safe_name("C:\\Users\\ana\\informe final.pdf"), "informe final.pdf");
        assert_eq!(safe_name("factura\u{202e}fdp.exe"), "facturafdp.exe");
        assert_eq!(safe_name("a\r\nSet-Cookie: x"), "aSet-Cookie_ x");
        assert_eq!(safe_name(".."), "file");
        assert_eq!(safe_name(&format!("{}.pdf", "a".repeat(400))).chars().count(), NAME_LENGTH + 4);
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_that_is_short_and_safe(name in ".{0,400}") {
            let safe = safe_name(&name);
            prop_assert!(!safe.is_empty() && safe.chars().count() <= NAME_LENGTH + 11);
            prop_assert!(!safe.contains(['/', '\\', '\0', '\n', '"']) && !safe.starts_with('.'));
        }
    }

    #[test]
    fn content_tells_the_type_whatever_the_name_says() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n rest", "photo.pdf"), "image/png");
        assert_eq!(
            sniff(b"MZ\x90\x00\x03\x00\x00\x00\x04\x00", "photo.png"),
            "application/vnd.microsoft.portable-executable"
        );
        assert_eq!(sniff("Señal débil".as_bytes(), "nota.txt"), "text/plain");
        assert_eq!(sniff(b"a,b\n1,2", "datos.CSV"), "text/csv");
        assert_eq!(sniff(b"\xff\x00\x01", "datos.csv"), "application/octet-stream");
    }

    #[test]
    fn a_star_stands_for_what_follows() {
        assert!(matches("image/*", "image/png") && matches("text/plain", "text/plain"));
        assert!(!matches("image/*", "text/plain") && !matches("text/plain", "text/plain2"));
    }
}
