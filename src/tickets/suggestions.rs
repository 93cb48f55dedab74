//! Knowledge base articles that may solve a ticket.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};

use super::store;
use crate::auth::policy::{Action, PermissionScope};
use crate::http::Call;
use crate::http::paging::Page;
use crate::knowledge::search::ArticleSummary;
use crate::knowledge::similar;
use crate::problem::{Problem, Result};

/// Suggest articles for a ticket
///
/// Up to five published articles that share the most words with the ticket; a requester only gets public ones. A service account also needs the scope `read_articles`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "knowledge", operation_id = "listTicketSuggestions", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, body = Page<ArticleSummary>, description = "The articles"))
)]
#[get("/tickets/{ticket_id}/suggestions")]
pub async fn suggest(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        match actor.rights().scope(Action::ReadArticles) {
            None => Err(Problem::forbidden()),
            scope => Page::whole(similar::like_ticket(db, ticket.id, scope == Some(PermissionScope::Any))?),
        }
    })
    .await
}
