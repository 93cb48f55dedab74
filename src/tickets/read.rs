//! Reading one ticket.

use std::slice;

use actix_web::web::Path;
use actix_web::{HttpResponse, get};

use super::expansion::{self, Expansions};
use super::model::Ticket;
use super::store;
use crate::auth::policy::Action;
use crate::http::{Answer, Call, Query};
use crate::problem::Result;

/// Read a ticket
///
/// With the requester, the assignee, the due times and the allowed steps. A ticket that the caller may not see is a 404.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "tickets", operation_id = "getTicket",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Expansions),
    responses((status = 200, body = Ticket, description = "The ticket"))
)]
#[get("/tickets/{ticket_id}")]
pub async fn read(call: Call, id: Path<i64>, query: Query<Expansions>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (mut ticket, version) = store::read(db, actor, *id)?;
        let wanted = query.read()?;
        expansion::expand(db, actor, &wanted, slice::from_mut(&mut ticket))?;
        Ok(Answer::ok(&ticket)?.version(*id, version))
    })
    .await
}
