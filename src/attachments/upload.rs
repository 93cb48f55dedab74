//! Receives a file as `multipart/form-data`: bounded in size and time, streamed to a temporary name in the object store
//! while its media type is determined.

use std::time::{Duration, Instant};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, Payload};
use futures_util::TryStreamExt;

use super::content::{self, Temporary, Writer};
use super::file_name;
use super::media_type::{self, Inspector};
use crate::http::body::in_time;
use crate::http::desk::Desk;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// A file whose content is in the object store under its final name.
#[derive(Debug, Clone)]
pub struct Received {
    pub file_name: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: String,
    /// The same for the same content, so that a repeated upload takes no additional space.
    pub storage_key: String,
}

impl Received {
    fn new(name: String, content_type: &str, size: u64, sha256: String) -> Result<Self> {
        Ok(Received {
            file_name: name,
            content_type: content_type.to_owned(),
            size: i64::try_from(size).map_err(Problem::internal)?,
            storage_key: format!("{}/{sha256}", sha256.get(..2).unwrap_or_default()),
            sha256,
        })
    }
}

/// A file that arrived completely; its content is removed when this is dropped.
#[derive(Debug)]
pub struct Arrived {
    file: Received,
    content: Temporary,
}

impl Arrived {
    /// Distinguishes this file from another under the same `Idempotency-Key`.
    pub fn fingerprint(&self) -> Vec<u8> {
        format!("{} {}", self.file.sha256, self.file.file_name).into_bytes()
    }

    /// Gives the content its final name; it is removed after an hour unless a row names it by then.
    ///
    /// # Errors
    /// [Code::Unavailable] if the database or the object store does not answer.
    pub async fn publish(self, desk: &Desk) -> Result<Received> {
        self.content.publish(desk, &self.file.storage_key).await?;
        Ok(self.file)
    }
}

/// Detail of the problem for an empty file.
pub const EMPTY: Text = Text::new("El archivo está vacío.", "The file is empty.");

/// Maximum size of the form in addition to its file, in bytes.
const FORM: usize = 64 * 1024;

/// Maximum time for a file to arrive.
pub const TIME: Duration = Duration::from_secs(10 * 60);

/// How many bytes must arrive each second, measured over [WINDOW] spent waiting for the client.
const SLOWEST: u32 = 4 * 1024;

const WINDOW: Duration = Duration::from_secs(15);

/// Receives the one file of a multipart body.
///
/// # Errors
/// [Code::TooLarge], [Code::UnsupportedMediaType], [Code::BadRequest] or [Code::InvalidBody] if the body is not one
/// file of a size, name and type that are allowed; [Code::RequestTimeout] if it arrives too slowly;
/// [Code::Unavailable] if the object store does not answer.
pub async fn receive(desk: &Desk, request: &HttpRequest, payload: Payload) -> Result<Arrived> {
    let limit = desk.config.attachment_max_bytes;
    // A body whose declared length is too large is not received.
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit.saturating_add(FORM)) {
        return Err(too_large(limit));
    }
    in_time(TIME, one_file(desk, request, payload)).await?
}

/// Stores the content of a file that is already in memory.
///
/// # Errors
/// [Code::TooLarge] or [Code::UnsupportedMediaType] if the file is not of a size, name and type that are allowed;
/// [Code::Unavailable] if the database or the object store does not answer.
pub async fn store(desk: &Desk, name: &str, bytes: Bytes) -> Result<Received> {
    use sha2::{Digest, Sha256};
    if bytes.len() > desk.config.attachment_max_bytes {
        return Err(too_large(desk.config.attachment_max_bytes));
    }
    let name = file_name::safe(name);
    media_type::check_name(&name)?;
    let mut inspector = Inspector::default();
    inspector.add(&bytes);
    let media_type = inspector.media_type(&name);
    media_type::check(media_type, &desk.config.attachment_types)?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let file = Received::new(name, media_type, bytes.len() as u64, sha256)?;
    content::put(desk, &file.storage_key, bytes).await?;
    Ok(file)
}

async fn one_file(desk: &Desk, request: &HttpRequest, payload: Payload) -> Result<Arrived> {
    let mut form = Multipart::new(request.headers(), payload);
    let mut pace = Pace::default();
    let mut file = None;
    while let Some(field) = pace.wait(form.try_next(), |_| 0).await? {
        if field.name() != Some("file") || file.is_some() {
            let name = field.name().unwrap_or_default().to_owned();
            return Err(Problem::field(FieldError::new(
                format!("/{name}"),
                FieldCode::UnknownField,
                Text::new("Envíe un solo archivo, en `file`.", "Send one file, in `file`."),
            )));
        }
        file = Some(stream(desk, field, &mut pace).await?);
    }
    file.ok_or_else(|| Problem::field(FieldError::required("/file")))
}

/// Streams the content of the file into the object store.
async fn stream(desk: &Desk, mut field: Field, pace: &mut Pace) -> Result<Arrived> {
    let limit = desk.config.attachment_max_bytes;
    let name = field.content_disposition().and_then(|disposition| disposition.get_filename());
    let name = file_name::safe(name.unwrap_or_default());
    media_type::check_name(&name)?;
    let mut writer = Writer::new(desk.files.clone(), content::part_size(&desk.config));
    let mut inspector = Inspector::default();
    while let Some(piece) = pace.wait(field.try_next(), |piece| piece.as_ref().map_or(0, Bytes::len)).await? {
        if writer.size() + piece.len() as u64 > limit as u64 {
            return Err(too_large(limit));
        }
        inspector.add(&piece);
        writer.write(&piece).await.map_err(Problem::no_files)?;
    }
    if writer.size() == 0 {
        return Err(Problem::field(FieldError::new("/file", FieldCode::TooShort, EMPTY)));
    }
    let media_type = inspector.media_type(&name);
    media_type::check(media_type, &desk.config.attachment_types)?;
    let written = writer.finish().await.map_err(Problem::no_files)?;
    let file = Received::new(name, media_type, written.size, written.sha256)?;
    Ok(Arrived { file, content: written.temporary })
}

/// Measures how fast a client sends. Time that the server takes is not counted.
#[derive(Default)]
struct Pace {
    waited: Duration,
    bytes: usize,
}

impl Pace {
    /// The next piece that the client sends; `size` returns its length in bytes.
    async fn wait<T>(
        &mut self,
        next: impl Future<Output = Result<T, MultipartError>>,
        size: impl FnOnce(&T) -> usize,
    ) -> Result<T> {
        let began = Instant::now();
        let next = in_time(WINDOW, next).await?.map_err(|error| unreadable(&error))?;
        self.count(began.elapsed(), size(&next))?;
        Ok(next)
    }

    fn count(&mut self, waited: Duration, bytes: usize) -> Result<()> {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < WINDOW {
            return Ok(());
        }
        let least = self.waited.as_secs_f64() * f64::from(SLOWEST);
        if (self.bytes as f64) < least {
            return Err(Problem::new(
                Code::RequestTimeout,
                Text::new("El archivo se recibe con demasiada lentitud.", "The file arrives too slowly."),
            ));
        }
        *self = Pace::default();
        Ok(())
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
fn unreadable(error: &MultipartError) -> Problem {
    use MultipartError as Error;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_drips_is_refused_and_a_slow_one_is_not() {
        let second = Duration::from_secs(1);
        let mut slow = Pace::default();
        for _ in 0..100 {
            slow.count(second, 4096).unwrap();
        }
        let mut dripping = Pace::default();
        let refused = (0..100).find_map(|_| dripping.count(second, 4095).err());
        assert_eq!(refused.unwrap().code, Code::RequestTimeout);
        // A pause counts for the bytes that were sent before it.
        let mut pausing = Pace::default();
        pausing.count(second, 1_000_000).unwrap();
        pausing.count(second * 14, 1).unwrap();
    }
}
