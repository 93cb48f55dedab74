//! The files of a message, under the same limits as uploaded files, and their attachment to a ticket.

use actix_web::web::Bytes;
use diesel::prelude::*;

use super::message::File;
use crate::attachments::store::{Owner, insert_all};
use crate::attachments::upload::{self, Received};
use crate::audit::kind::EventKind;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::http::desk::Desk;
use crate::problem::{Code, Result, Text};
use crate::tickets::model::TicketRow;
use crate::tickets::steps::Case;

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

/// Whether the ticket shows that files were attached.
#[derive(Clone, Copy, PartialEq)]
pub enum Trace {
    Public,
    Private,
}

/// The stored files, as attachments of a ticket or of a followup, with one event for all.
pub fn attach(
    tx: &mut PgConnection,
    actor: &Actor,
    ticket_id: i64,
    (owner, trace): (Owner, Trace),
    files: &Files,
) -> Result<()> {
    if files.kept.is_empty() {
        return Ok(());
    }
    let row: TicketRow =
        tickets::table.find(ticket_id).select(TicketRow::as_select()).for_update().get_result(tx)?;
    let mut case = Case::open(tx, row, actor);
    case.note_mail(actor);
    let ids = insert_all(case.tx, actor.id, owner, &files.kept, case.now)?;
    case.details.attachment_ids = Some(ids);
    case.details.file_names = Some(files.kept.iter().map(|file| file.file_name.clone()).collect());
    if trace == Trace::Public {
        case.touch();
    }
    case.record(EventKind::FileAttached)?;
    Ok(())
}
