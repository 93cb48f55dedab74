//! Knowledge base articles that may solve a ticket.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::auth::policy::Action;
use crate::http::{Answer, Call};
use crate::knowledge::search::{self, ArticleSummary};
use crate::problem::Result;

/// The articles most similar to a ticket, the most similar first.
#[derive(Serialize, ToSchema)]
pub struct Suggestions {
    /// At most five articles, the most similar first; empty if no article is similar.
    items: Vec<ArticleSummary>,
}

/// Suggest articles for a ticket
///
/// Up to five published articles that share the most words with the ticket; a requester only gets public ones.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket)), ("x-mesa-unversioned" = json!(true))),
    tag = "knowledge", operation_id = "listTicketSuggestions", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, body = Suggestions, description = "The articles"))
)]
#[get("/tickets/{ticket_id}/suggestions")]
pub async fn suggest(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        Answer::ok(&Suggestions { items: search::like_ticket(db, ticket.id, actor.is_staff())? })
    })
    .await
}
