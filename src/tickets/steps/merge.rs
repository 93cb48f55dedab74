//! Merging a duplicate into the ticket that is attended.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Setting, change};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::people::users;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::model::{ArchiveReason, Ticket, TicketRow};
use crate::tickets::permitted;
use crate::tickets::relations::{self, RelationKind};
use crate::tickets::workflow::{Step, TicketStatus};
use crate::tickets::{archiving, followups, store, watchers};

/// The ticket that a duplicate is merged into.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeCreate {
    /// Number of the ticket that remains and is about the same matter; neither `closed` nor `archived`.
    #[schema(minimum = 1, example = 124)]
    #[serde(rename = "into_ticket_id")]
    into: i64,
    /// Must be `true` if the two tickets have different requesters: the requester of the duplicate will receive the public
    /// messages of the other's ticket. Omit it for two tickets of the same requester.
    #[serde(default)]
    #[schema(required = false, default = false, example = false)]
    confirm_other_requester: bool,
    /// An explanation for the requester of the duplicate, added to the standard text.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Es la misma caída del servidor."
    )]
    note: Option<String>,
}

/// Merge a duplicate ticket
///
/// Archives this ticket as `duplicate` and relates it to the other one as `duplicate_of`. Its requester is notified
/// by mail and in a public followup, and becomes a watcher of the other ticket, as do the watchers of this one: they
/// receive the public messages that the other requester receives, and cannot read the ticket. The number of another
/// requester's ticket is not disclosed to them. Both tickets get an event: `merged` here, and `duplicate_merged`
/// there, which the requester does not see.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "ticket steps", operation_id = "mergeTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = MergeCreate,
    responses(
        (status = 200, body = Ticket, description = "The duplicate, archived"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `circular_relation`: the other ticket is a duplicate of this one"),
    )
)]
#[post("/tickets/{ticket_id}/merge")]
pub async fn merge(call: Call, id: Path<i64>, body: Body<MergeCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<MergeCreate>,
) -> Result<Answer> {
    store::visible(tx, actor, id)?;
    let MergeCreate { into, confirm_other_requester, note } = body.read()?;
    let (row, target) = relations::both(tx, actor, id, into, "/into_ticket_id")?;
    if matches!(target.status, TicketStatus::Closed | TicketStatus::Archived) {
        let detail = Text::new("Ese caso ya está cerrado o archivado.", "That ticket is closed or archived.");
        return Err(Problem::field(FieldError::new("/into_ticket_id", FieldCode::NotAllowed, detail)));
    }
    if row.requester_id != target.requester_id && !confirm_other_requester {
        let detail = Text::new(
            "Los dos casos son de solicitantes distintos: confirme con `true` que quien hizo este recibirá los \
                 mensajes del otro.",
            "The two tickets have different requesters: confirm with `true` that the requester of this one will \
                 receive the messages of the other.",
        );
        let error = FieldError::new("/confirm_other_requester", FieldCode::Required, detail);
        return Err(Problem::field(error));
    }
    actor.check_version(row.id, row.version)?;
    permitted::check(actor, &row, Step::Merge)?;
    let mut case = Case::open(tx, row, actor);
    let ends = (case.ticket.id, target.id);
    relations::insert(case.tx, Uuid::now_v7(), RelationKind::DuplicateOf, ends, actor.id, case.now)?;
    watchers::follow(case.tx, &case.ticket, &target, actor.id, case.now)?;
    let locale = users::locale(case.tx, case.ticket.requester_id)?;
    let words = words(locale, &case.ticket, &target, note.as_deref());
    let followup_id = Some(followups::write_public(&mut case, actor.id, words)?);
    archiving::set_aside(&mut case, ArchiveReason::Duplicate, note, followup_id)?;
    case.details.into = Some(target.id);
    let row = case.record(EventKind::Merged)?;
    let mut case = Case::open(tx, target, actor);
    case.details.duplicate_id = Some(row.id);
    case.record(EventKind::DuplicateMerged)?;
    store::answer(tx, actor, row)
}

/// The result of the merge, as a text for the requester of the duplicate.
fn words(locale: Locale, duplicate: &TicketRow, into: &TicketRow, note: Option<&str>) -> String {
    let theirs = duplicate.requester_id == into.requester_id;
    let words = match (locale, theirs) {
        (Locale::Es, true) => {
            format!(
                "Esta solicitud trata de lo mismo que su solicitud {}, que continúa en atención.",
                into.id
            )
        }
        (Locale::En, true) => {
            format!("This request is about the same matter as your request {}, which continues.", into.id)
        }
        (Locale::Es, false) => {
            "Ya se atiende otra solicitud sobre el mismo asunto. La suya se archiva como duplicada y le \
             informaremos los avances de la otra."
                .to_owned()
        }
        (Locale::En, false) => {
            "Another request about the same matter is being attended to. Yours is archived as a \
             duplicate, and we will tell you about the progress of the other one."
                .to_owned()
        }
    };
    match note {
        Some(note) => format!("{words} {note}"),
        None => words,
    }
}
