//! Presenting an archived request again, as a new ticket.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Case;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::tickets;
use crate::http::{Actor, Body, Call};
use crate::problem::{Code, FieldError, Problem, Result, Text};
use crate::tickets::attachments;
use crate::tickets::model::{Channel, Ticket, TicketRow};
use crate::tickets::register::{self, Account, Request, RequesterData};
use crate::tickets::store;
use crate::tickets::workflow::{self, Step};

/// What is different this time. Subject, description and category that are left out are those of the archived ticket.
/// What `requester` leaves out comes from the requester's account as it is now, and what that lacks from the archived
/// ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resubmission {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "La impresora del despacho no imprime"
    )]
    subject: Option<String>,
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Muestra atasco desde ayer. La placa es 10432."
    )]
    description: Option<String>,
    category_id: Option<Uuid>,
    /// How it came in this time; `api` where it is left out.
    channel: Option<Channel>,
    requester: Option<RequesterData>,
}

/// Resubmit an archived ticket
///
/// Registers a new ticket of the same requester, with a number and a moment of reception of its own, by the rules of
/// every registration: where the category still asks for a profile that the requester has not, the new ticket is
/// archived as well. It has the files of the archived one that its requester could see, those of followups included;
/// followups are not copied. The new ticket names the archived one in `resubmission_of`, and that one names it in
/// `archive.resubmitted_as`. Once only: else a 409 `already_exists` whose `resubmitted_as` is the ticket that there is.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Resubmit))),
    tag = "steps", operation_id = "resubmitTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body(content = Option<Resubmission>),
    responses(
        (status = 201, body = Ticket, description = "The new ticket"),
        (status = 409, description = "`step_not_allowed`, `already_exists`"),
    )
)]
#[post("/tickets/{ticket_id}/resubmission")]
pub async fn resubmit(call: Call, id: Path<i64>, body: Body<Resubmission>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let archived = store::lock(tx, actor, *id)?;
        let account = Account::active(tx, archived.requester_id)?.map(|account| account.or_as_in(&archived));
        let new = body.read_with(|value| {
            Ok(match &account {
                Some(account) => account.gaps(&value["requester"]),
                None => vec![FieldError::unknown_id("/requester")],
            })
        })?;
        let account = account.ok_or_else(|| Problem::internal("a ticket without an account"))?;
        actor.check_version(archived.version)?;
        workflow::check(archived.status, archived.resumes_to, Step::Resubmit)?;
        if let Some(known) = resubmitted_as(tx, archived.id)? {
            return Err(already_resubmitted(known));
        }
        let request = Request {
            subject: new.subject.unwrap_or_else(|| archived.subject.clone()),
            description: new.description.unwrap_or_else(|| archived.description.clone()),
            category_id: new.category_id.or(archived.category_id),
            channel: new.channel,
            requester: new.requester.unwrap_or_default(),
            resubmission_of: Some(archived.id),
        };
        let row = request.register(tx, actor, account)?;
        carry_over(tx, actor, archived, &row)?;
        register::created(tx, row)
    })
    .await
}

/// The ticket by which an archived one was presented again, where it was.
///
/// # Errors
/// What the database answers.
pub fn resubmitted_as(tx: &mut PgConnection, archived: i64) -> Result<Option<i64>> {
    let known = tickets::table.filter(tickets::resubmission_of.eq(archived)).select(tickets::id);
    Ok(known.first(tx).optional()?)
}

/// Gives the new ticket the files of the archived one, and tells the latter's history of it.
///
/// # Errors
/// What the database answers.
pub fn carry_over(tx: &mut PgConnection, actor: &Actor, archived: TicketRow, new: &TicketRow) -> Result<()> {
    attachments::copy_public(tx, archived.id, new.id, new.received_at)?;
    let mut case = Case::open(tx, archived, actor);
    case.note_mail(actor);
    case.details.resubmitted_as = Some(new.id);
    case.touch();
    case.record(EventKind::Resubmitted)?;
    Ok(())
}

fn already_resubmitted(known: i64) -> Problem {
    let mut problem = Problem::new(
        Code::AlreadyExists,
        Text::made(
            format!("Ya se presentó de nuevo: es la solicitud {known}."),
            format!("It was presented again already: it is ticket {known}."),
        ),
    );
    problem.members.insert("resubmitted_as".to_owned(), known.into());
    problem
}
