//! The whole text of a message that became a followup.

use std::time::Duration;

use actix_web::web::{Path, block};
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use object_store::ObjectStoreExt;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::with_hidden_tokens;
use super::message::{Fault, LONGEST_TEXT, Message};
use crate::auth::policy::Action;
use crate::db::schema::{followups, inbound_emails as emails};
use crate::http::{Answer, Call};
use crate::problem::{Problem, Result};
use crate::tickets::{followups as entries, store};

/// How many messages are read at the same time: each takes several times its size in memory.
static TURNS: Semaphore = Semaphore::const_new(2);

/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A message that became a followup, with the text that was left out of the followup.
#[derive(Debug, Serialize, ToSchema)]
struct FollowupOriginal {
    /// The address of the author, in lower case; `null` if the message names none.
    #[schema(max_length = 254, example = "rosa.perez@itagui.gov.co")]
    from_address: Option<String>,
    /// The subject of the message; empty if it has none.
    #[schema(max_length = 200, example = "Re: [#123] Sin red en el piso 3")]
    subject: String,
    /// When the message was received.
    received_at: DateTime<Utc>,
    /// The whole text of the message, with quoted text and signature. Tokens of links that set a password or
    /// open a survey are replaced by `…`.
    #[schema(max_length = 1048576, example = "Ya quedó.\n\n> ¿Puede volver a probar?")]
    text: String,
}

/// Read the original of a followup
///
/// The whole text of the message that became the followup, with the quoted text that was left out of it. A 404 if the
/// followup did not come by mail, if the message was removed at the end of its retention, or if the caller is
/// neither staff nor the author.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "followups", operation_id = "getTicketFollowupOriginal",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    responses((status = 200, body = FollowupOriginal, description = "The whole text of the message"))
)]
#[get("/tickets/{ticket_id}/followups/{followup_id}/original")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    let (ticket_id, id) = path.into_inner();
    let (storage_key, received_at): (String, DateTime<Utc>) = call
        .look(move |db, actor| {
            let ticket = store::visible(db, actor, ticket_id)?;
            entries::visible(db, actor, ticket.id, id)?;
            let (author_id, source): (Uuid, Option<Uuid>) = followups::table
                .find(id)
                .select((followups::author_id, followups::published_from))
                .get_result(db)?;
            if !actor.reads_private() && author_id != actor.id {
                return Err(Problem::not_found());
            }
            let message = emails::table.filter(emails::followup_id.eq(source.unwrap_or(id)));
            Ok(message.select((emails::storage_key, emails::received_at)).first(db)?)
        })
        .await?;
    let turn = tokio::time::timeout(LONGEST_WAIT, TURNS.acquire()).await.map_err(Problem::unavailable)?;
    let turn = turn.map_err(Problem::internal)?;
    let content = call.desk.files.get(&storage_key.as_str().into()).await.map_err(Problem::no_files)?;
    let bytes = content.bytes().await.map_err(Problem::no_files)?;
    let read = move || {
        let message = Message::read(&bytes, None, None)?;
        let mut text = with_hidden_tokens(&message.text).into_owned();
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        Ok::<Message, Fault>(Message { text, ..message })
    };
    let message = block(read).await.map_err(Problem::internal)?.map_err(|_| Problem::not_found())?;
    drop(turn);
    let original = FollowupOriginal {
        from_address: message.from.map(|from| from.address),
        subject: message.subject,
        received_at,
        text: message.text,
    };
    // The message never changes.
    call.read(move |_, _| Ok(Answer::ok(&original)?.version(id, 1))).await
}
