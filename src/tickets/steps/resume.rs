//! Going on with a case that was on hold.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::db::schema::holds;
use crate::http::body::Nothing;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Status, Step};

/// Resume a ticket
///
/// It is `in_progress` again, or `assigned` where somebody else was given it meanwhile and has not accepted yet.
#[utoipa::path(
    tag = "steps", operation_id = "resumeTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body(content = Option<Nothing>),
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/resumption")]
pub async fn resume(call: Call, id: Path<i64>, body: Body<Nothing>) -> Result<HttpResponse> {
    take(call, *id, (Action::Hold, Step::Resume, "resumed"), body, |case, actor, _| {
        end(case.tx, case.ticket.id, case.now, actor.id)?;
        let accepted = case.ticket.accepted_at.is_some();
        case.ticket.status = if accepted { Status::InProgress } else { Status::Assigned };
        Ok(Reply::Ticket)
    })
    .await
}

/// Ends the hold that is open, where there is one.
pub fn end(
    tx: &mut PgConnection,
    ticket_id: i64,
    now: chrono::DateTime<chrono::Utc>,
    ended_by: uuid::Uuid,
) -> Result<()> {
    diesel::update(holds::table.filter(holds::ticket_id.eq(ticket_id)).filter(holds::ended_at.is_null()))
        .set((holds::ended_at.eq(now), holds::ended_by.eq(ended_by)))
        .execute(tx)?;
    Ok(())
}
