//! Writing a file of tickets.

use std::io::Read;
use std::sync::Arc;

use actix_web::web::{self, Data};
use diesel::prelude::*;
use uuid::Uuid;

use super::queue::{Parameters, TicketFileFormat};
use super::rows::{batch, lines};
use super::workbook::TicketWorkbook;
use crate::attachments::content::{Writer, part_size};
use crate::auth::policy::Action;
use crate::http::Query;
use crate::http::desk::{Desk, Phase};
use crate::http::schemas::Schemas;
use crate::jobs::held::Held;
use crate::jobs::job::JobFile;
use crate::jobs::removal::erasures;
use crate::problem::{Problem, Result};
use crate::tickets::filters::{TicketFilters, filtered};
use crate::tickets::list::page;
use crate::tickets::summary::{Excerpts, TicketSummary};

/// How many tickets are read at once.
const BATCH: i64 = 500;

/// How many bytes of a workbook are copied at once.
const PIECE: u64 = 1024 * 1024;

/// The operation whose parameters the filters are.
const FILTERED: &str = "POST /api/v1/tickets/exports";

/// What is written so far.
enum Sheet {
    Text(TicketFileFormat),
    Workbook(Box<TicketWorkbook>),
}

/// Writes the file. A job that was interrupted begins again: nobody has seen the file that it wrote.
///
/// # Errors
/// Of the server; a 401 or a 403 if the owner sees other tickets than when the job was created.
pub async fn run(desk: Data<Desk>, schemas: Arc<Schemas>, held: Arc<Held>) -> Result<()> {
    let timezone = desk.config.timezone;
    let Parameters { format, query } =
        serde_json::from_value(held.parameters.clone()).map_err(Problem::internal)?;
    let query = Query::<TicketFilters>::stored(FILTERED, query, desk.clone(), schemas);
    let of_job = Arc::clone(&held);
    let (filters, total, erased_before) = desk
        .db
        .run(move |db| {
            db.transaction(|tx| {
                let erased = erasures(tx)?;
                let owner = of_job.same_owner(tx, &[Action::ReadTicket], timezone)?;
                let mut filters = query.read()?;
                filters.check(&owner)?;
                filters.look_up(tx, &owner)?;
                let total: i64 = filtered(&filters, &owner).count().get_result(tx)?;
                Ok((filters, i32::try_from(total).map_err(Problem::internal)?, erased))
            })
        })
        .await?;
    let mut sheet = match format {
        TicketFileFormat::Xlsx => {
            Sheet::Workbook(Box::new(TicketWorkbook::new(timezone).map_err(Problem::internal)?))
        }
        text => Sheet::Text(text),
    };
    let excerpts = if format == TicketFileFormat::Ndjson { Excerpts::Read } else { Excerpts::Empty };
    let mut file = Writer::new(desk.files.clone(), part_size(&desk.config));
    let (mut written, mut cursor) = (0, None::<String>);
    loop {
        if desk.phase() == Phase::Stopping {
            return desk.db.run(move |db| db.transaction(|tx| held.give_back(tx))).await;
        }
        let (of_job, filters) = (Arc::clone(&held), filters.clone());
        let read = move |tx: &mut PgConnection| {
            let owner = of_job.same_owner(tx, &[Action::ReadTicket], timezone)?;
            let (tickets, next) = page(tx, &owner, &batch(cursor, BATCH), &filters, excerpts)?;
            let count = i32::try_from(tickets.len()).map_err(Problem::internal)?;
            let goes_on = of_job.written(tx, written + count, total)?;
            Ok((tickets, next, count, goes_on))
        };
        let (tickets, next, count, goes_on) = desk.db.run_long(|db| db.transaction(read)).await?;
        if !goes_on {
            return Ok(());
        }
        match &mut sheet {
            Sheet::Workbook(workbook) => workbook.add(&tickets).map_err(Problem::internal)?,
            Sheet::Text(format) => {
                let text = text(*format, &tickets, written == 0)?;
                file.write(text.as_bytes()).await.map_err(Problem::unavailable)?;
            }
        }
        written += count;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    if let Sheet::Workbook(workbook) = sheet {
        copy(*workbook, &mut file).await?;
    }
    let content = file.finish().await.map_err(Problem::unavailable)?;
    // Of this attempt: one that lost its lease replaces nothing.
    let storage_key = format!("exports/{}/{}", held.id, Uuid::now_v7());
    let size_bytes = i64::try_from(content.size).map_err(Problem::internal)?;
    let file = JobFile {
        link: String::new(),
        file_name: format.file_name(),
        content_type: format.content_type().to_owned(),
        size_bytes,
        sha256: content.sha256,
    };
    content.temporary.publish(&desk, &storage_key).await?;
    let end = move |tx: &mut PgConnection| {
        let erased = erasures(tx)?;
        match held.lock(tx)? {
            true if erased == erased_before => held.succeed_with(tx, (&storage_key, &file), written),
            // It may have the data of a person that were erased meanwhile: written again, without them.
            true => held.give_back(tx),
            false => Ok(()),
        }
    };
    desk.db.run_long(|db| db.transaction(end)).await
}

/// Finishes the workbook and copies it piece by piece.
async fn copy(workbook: TicketWorkbook, file: &mut Writer) -> Result<()> {
    let finished = web::block(move || workbook.finish()).await.map_err(Problem::internal)?;
    let mut source = finished.map_err(Problem::internal)?;
    loop {
        let next = web::block(move || {
            let mut piece = Vec::new();
            (&mut source).take(PIECE).read_to_end(&mut piece).map(|_| (source, piece))
        });
        let (rest, piece) = next.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
        if piece.is_empty() {
            return Ok(());
        }
        file.write(&piece).await.map_err(Problem::unavailable)?;
        source = rest;
    }
}

fn text(format: TicketFileFormat, tickets: &[TicketSummary], is_first: bool) -> Result<String> {
    match format {
        TicketFileFormat::Csv => lines(tickets, is_first),
        _ => {
            let mut text = String::new();
            for ticket in tickets {
                text.push_str(&serde_json::to_string(ticket).map_err(Problem::internal)?);
                text.push('\n');
            }
            Ok(text)
        }
    }
}
