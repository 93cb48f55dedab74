//! The files of a message, under the same limits as uploaded files.

use actix_web::web::Bytes;

use super::message::File;
use crate::attachments::upload::{self, Received};
use crate::http::desk::Desk;
use crate::problem::{Code, Result, Text};

/// Files whose content is stored, and files that are not accepted.
#[derive(Default)]
pub struct Files {
    pub kept: Vec<Received>,
    pub refused: Vec<Refused>,
}

/// A file that is not accepted; the stored message still contains it.
pub struct Refused {
    pub name: String,
    pub why: Text,
}

/// Stores the content of the accepted files.
///
/// # Errors
/// A 503 if the object store does not accept it.
pub async fn store(desk: &Desk, files: Vec<File>) -> Result<Files> {
    let mut result = Files::default();
    for file in files {
        if file.bytes.is_empty() {
            result.refused.push(Refused { name: file.name, why: upload::EMPTY });
            continue;
        }
        match upload::store(desk, &file.name, Bytes::from(file.bytes)).await {
            Ok(received) => result.kept.push(received),
            Err(problem) if matches!(problem.code, Code::TooLarge | Code::UnsupportedMediaType) => {
                // A signature is not needed as a file.
                if !file.content_type.ends_with("-signature") {
                    result.refused.push(Refused { name: file.name, why: problem.detail });
                }
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(result)
}
