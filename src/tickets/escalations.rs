//! Changes of the support level: escalations to a higher one or to a third party, and returns to a lower one.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attention::running;
use super::model::CallCause;
use super::release;
use super::steps::{Case, Reply, Setting, change, take};
use super::store;
use super::workflow::{Step, TicketStatus};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{escalations, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::outbox::MessageKind;
use crate::people::Person;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// A change of support level: an escalation to a higher level or to a third party, or a return to a lower level.
#[derive(Serialize, ToSchema)]
pub struct Escalation {
    /// The id of the escalation or return.
    pub id: Uuid,
    /// The number of the ticket.
    #[schema(example = 123)]
    ticket_id: i64,
    /// The support level before the change.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    from_level: i16,
    /// The support level after the change: above `from_level` for an escalation, below it for a return. The same as
    /// `from_level` if a third party starts to work at that level or, without `third_party`, stops.
    #[schema(minimum = 1, maximum = 3, example = 2)]
    to_level: i16,
    /// Why it was escalated or returned; for staff.
    #[schema(max_length = 2000, example = "La falla es de la red, no de la impresora.")]
    reason: String,
    /// The third party outside of the entity that works on the ticket from then on; `null` if there is none.
    #[schema(max_length = 200, example = "Soporte de Redes S. A. S.")]
    third_party: Option<String>,
    /// The third party's reference number for the case; `null` if there is none.
    #[schema(max_length = 100, example = "SR-20311")]
    reference: Option<String>,
    /// The date and time by which the third party promised to attend to it; `null` if there is none.
    promised_for: Option<DateTime<Utc>>,
    /// The person who escalated or returned it; `null` for an automatic escalation.
    escalated_by: Option<Person>,
    /// When the level changed.
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = escalations)]
struct Row {
    id: Uuid,
    ticket_id: i64,
    from_level: i16,
    to_level: i16,
    reason: String,
    third_party: Option<String>,
    reference: Option<String>,
    promised_for: Option<DateTime<Utc>>,
    escalated_by: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl From<(Row, Option<Person>)> for Escalation {
    fn from((row, escalated_by): (Row, Option<Person>)) -> Self {
        Escalation {
            id: row.id,
            ticket_id: row.ticket_id,
            from_level: row.from_level,
            to_level: row.to_level,
            reason: row.reason,
            third_party: row.third_party,
            reference: row.reference,
            promised_for: row.promised_for,
            escalated_by,
            created_at: row.created_at,
        }
    }
}

/// An escalation to a higher support level.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationCreate {
    /// Why the ticket is escalated, as a text for staff.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "La falla es de la red, no de la impresora."
    )]
    reason: String,
    /// The new support level, above the current one; with `third_party` also the current one, whose assignee then keeps
    /// the ticket and manages the case. If omitted: 3 if `third_party` is present, and otherwise the next level.
    #[schema(minimum = 1, maximum = 3, example = 3)]
    to_level: Option<i16>,
    /// A third party outside of the entity that works on the ticket, in place of an earlier one. The requester is told its
    /// name and `promised_for`.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Soporte de Redes S. A. S.")]
    third_party: Option<String>,
    /// The third party's reference number for the case. Allowed with `third_party` only.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "SR-20311")]
    reference: Option<String>,
    /// The date and time by which the third party promised to attend to the ticket; in the future. Allowed with
    /// `third_party` only.
    #[schema(example = "2030-01-15T14:30:00Z")]
    promised_for: Option<DateTime<Utc>>,
}

impl EscalationCreate {
    /// The next level, for this reason.
    pub fn to_next(reason: String) -> Self {
        EscalationCreate { reason, to_level: None, third_party: None, reference: None, promised_for: None }
    }

    /// The target level of an escalation from this level.
    fn target(&self, from_level: i16, now: DateTime<Utc>) -> Result<i16> {
        let third_level = self.third_party.as_ref().map(|_| 3);
        let to_level = self.to_level.or(third_level).unwrap_or(from_level + 1);
        if from_level == 3 && self.third_party.is_none() {
            return Err(Problem::new(
                Code::NoHigherLevel,
                Text::new("El caso ya está en el nivel 3.", "The ticket is already at level 3."),
            ));
        }
        let mut errors = Vec::new();
        let mut fault = |pointer: &str, code, detail| errors.push(FieldError::new(pointer, code, detail));
        if to_level < from_level {
            let detail = Text::made(
                format!("No puede ser menor que el nivel actual, {from_level}."),
                format!("It cannot be below the current level, {from_level}."),
            );
            fault("/to_level", FieldCode::OutOfRange, detail);
        } else if to_level == from_level && self.third_party.is_none() {
            let detail = Text::made(
                format!("Debe ser mayor que el nivel actual, {from_level}, si no hay un tercero."),
                format!("It must be above the current level, {from_level}, without a third party."),
            );
            fault("/to_level", FieldCode::OutOfRange, detail);
        }
        let alone =
            || Text::new("Nombre al tercero en `third_party`.", "Name the third party in `third_party`.");
        if self.third_party.is_none() && self.reference.is_some() {
            fault("/reference", FieldCode::NotAllowed, alone());
        }
        match self.promised_for {
            Some(_) if self.third_party.is_none() => fault("/promised_for", FieldCode::NotAllowed, alone()),
            Some(moment) if moment <= now => {
                let detail = Text::new("Debe estar en el futuro.", "It must be in the future.");
                fault("/promised_for", FieldCode::NotInFuture, detail);
            }
            _ => {}
        }
        if errors.is_empty() { Ok(to_level) } else { Err(Problem::fields(errors)) }
    }
}

/// The escalations of these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Escalation>> {
    let found = escalations::table.left_join(users::table).filter(escalations::id.eq_any(ids));
    let rows: Vec<(Row, Option<Person>)> =
        found.select((Row::as_select(), Option::<Person>::as_select())).load(db)?;
    Ok(rows.into_iter().map(Escalation::from).collect())
}

/// List the escalations and returns of a ticket
///
/// The escalations and returns with the levels, the reason and the third party; the oldest first. A return has a `to_level` below
/// its `from_level`, or the same one and no `third_party` if it ended the work of a third party.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups))),
    tag = "ticket steps", operation_id = "listTicketEscalations", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Escalation>, description = "One page of the escalations and returns"))
)]
#[get("/tickets/{ticket_id}/escalations")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let filtered = || {
            escalations::table
                .left_join(users::table)
                .filter(escalations::ticket_id.eq(ticket.id))
                .into_boxed()
        };
        let (rows, total): (Vec<(Row, Option<Person>)>, _) = read_page!(
            db,
            paging,
            "created_at",
            filtered,
            (escalations::created_at as DateTime<Utc>, escalations::id as Uuid),
            (Row::as_select(), Option::<Person>::as_select())
        );
        let items: Vec<Escalation> = rows.into_iter().map(Escalation::from).collect();
        paging.answer("created_at", items, total, |escalation| (escalation.created_at, escalation.id))
    })
    .await
}

/// Read an escalation of a ticket
///
/// Also a return. Neither ever changes.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups))),
    tag = "ticket steps", operation_id = "getTicketEscalation",
    params(
        ("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."),
        ("escalation_id" = Uuid, Path, description = "Identifier of the escalation or return; a 404 if it is of another ticket."),
    ),
    responses((status = 200, body = Escalation, description = "The escalation or the return"))
)]
#[get("/tickets/{ticket_id}/escalations/{escalation_id}")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (ticket_id, id) = path.into_inner();
        let ticket = store::visible(db, actor, ticket_id)?;
        let found: (Row, Option<Person>) = escalations::table
            .left_join(users::table)
            .filter(escalations::id.eq(id))
            .filter(escalations::ticket_id.eq(ticket.id))
            .select((Row::as_select(), Option::<Person>::as_select()))
            .get_result(db)?;
        Ok(Answer::ok(&Escalation::from(found))?.version(id, 1))
    })
    .await
}

/// Escalate a ticket
///
/// Allowed for a ticket that is `in_progress`.
/// Escalates it to a higher support level, where it waits for its assignment. A second attention clock starts for
/// that level, with the attention time and the calendar in force at the reception of the ticket. The requester and the staff
/// of that level are told. Returns the escalation; read the ticket for its new state.
///
/// A third party (supplier) can work on the ticket at any level, with its own reference number and a promised date. With the
/// current level in `to_level` the ticket stays `in_progress` with its assignee, who manages the case. While a third party works
/// on a ticket, staff of any level can be its assignee. A later escalation to another third party replaces the first; a
/// return, an escalation without a third party, or the solution ends its work.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Escalate))),
    tag = "ticket steps", operation_id = "escalateTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = EscalationCreate,
    responses(
        (status = 201, body = Escalation, description = "The new escalation"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `no_higher_level`: the ticket is already at level 3 and no third party is named; `no_due_time`: the calendar is not open for long enough"),
    )
)]
#[post("/tickets/{ticket_id}/escalations")]
pub async fn escalate(call: Call, id: Path<i64>, body: Body<EscalationCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<EscalationCreate>,
) -> Result<Answer> {
    let step = (Step::Escalate, EventKind::Escalated);
    take(tx, actor, id, step, body, move |case, actor, new: EscalationCreate| {
        let row = raise(case, new, Some(actor.id))?;
        let location = format!("/api/v1/tickets/{}/escalations/{}", row.ticket_id, row.id);
        let escalation = Escalation::from((row, Some(actor.person())));
        Ok(Reply::Made(Answer::created(location, &escalation)?.version(escalation.id, 1)))
    })
}

/// Raises the support level automatically.
///
/// # Errors
/// As for the step.
pub fn escalate_by_itself(case: &mut Case<'_>, reason: String) -> Result<()> {
    raise(case, EscalationCreate::to_next(reason), None).map(|_| ())
}

/// Raises the support level: the ticket waits for its assignment at that level, and the level's clock starts.
fn raise(case: &mut Case<'_>, new: EscalationCreate, escalated_by: Option<Uuid>) -> Result<Row> {
    let from_level = case.ticket.support_level;
    let to_level = new.target(from_level, case.now)?;
    let row = Row {
        id: Uuid::now_v7(),
        ticket_id: case.ticket.id,
        from_level,
        to_level,
        reason: new.reason,
        third_party: new.third_party,
        reference: new.reference,
        promised_for: new.promised_for,
        escalated_by,
        created_at: case.now,
    };
    note(case, &row)?;
    if to_level > from_level {
        change_level(case, to_level);
        match escalated_by {
            Some(_) => running::reckon(case)?,
            // An automatic escalation proceeds even if no due time can be computed any more.
            None => {
                case.ticket.attention_due_at = None;
                case.ticket.attention_due_soon_at = None;
                running::resume(case)?;
            }
        }
        case.call_staff(CallCause::Escalated);
    }
    let mut told = json!({"to_level": to_level});
    if let Some(third_party) = &row.third_party {
        told["third_party"] = json!(third_party);
        told["promised_for"] = json!(row.promised_for);
        told["same_level"] = json!(to_level == from_level);
    }
    case.notify(MessageKind::Escalated, case.ticket.requester_id, told);
    Ok(row)
}

/// Returns the ticket to a lower level, where it waits for its assignment with a new clock; or, if a third party works on
/// it, from there to its assignee at the same level. Without a level: to the level below, and at level 1 from the third
/// party.
///
/// # Errors
/// A 409 at level 1 without a third party, or if no due time can be computed; a 422 for another level.
pub fn lower(case: &mut Case<'_>, to_level: Option<i16>, reason: String, returned_by: Uuid) -> Result<()> {
    let from_level = case.ticket.support_level;
    let by_third_party = case.ticket.third_party.is_some();
    let highest = if by_third_party { from_level } else { from_level - 1 };
    if highest < 1 {
        return Err(Problem::new(
            Code::NoLowerLevel,
            Text::new("El caso ya está en el nivel 1.", "The ticket is already at level 1."),
        ));
    }
    let to_level = to_level.unwrap_or((from_level - 1).max(1));
    if to_level > highest {
        return Err(Problem::field(FieldError::new(
            "/to_level",
            FieldCode::OutOfRange,
            Text::made(
                format!("Debe ser un nivel de soporte hasta el {highest}."),
                format!("It must be a support level up to {highest}."),
            ),
        )));
    }
    let row = Row {
        id: Uuid::now_v7(),
        ticket_id: case.ticket.id,
        from_level,
        to_level,
        reason,
        third_party: None,
        reference: None,
        promised_for: None,
        escalated_by: Some(returned_by),
        created_at: case.now,
    };
    note(case, &row)?;
    let told = json!({"to_level": to_level, "same_level": to_level == from_level});
    if to_level < from_level {
        change_level(case, to_level);
        running::start_again(case)?;
        case.call_staff(CallCause::Returned);
    } else if let Some(assignee) = case.ticket.assignee_id
        && !release::may_attend(case, assignee)?
    {
        // Who managed the work of the third party is of a lower level than the ticket.
        release::release(case)?;
    } else if let Some(assignee) = case.ticket.assignee_id.filter(|assignee| *assignee != returned_by) {
        case.notify(MessageKind::Returned, assignee, told.clone());
    }
    case.notify(MessageKind::Returned, case.ticket.requester_id, told);
    Ok(())
}

/// Records an escalation or a return, and the third party that works on the ticket from now on.
fn note(case: &mut Case<'_>, row: &Row) -> Result<()> {
    diesel::insert_into(escalations::table).values(row).execute(case.tx)?;
    case.details.reason = Some(row.reason.clone());
    case.details.third_party = row.third_party.clone();
    case.ticket.third_party = row.third_party.clone();
    case.ticket.third_party_promised_for = row.promised_for;
    Ok(())
}

/// The ticket has no assignee at the new level, and its clock has not started.
fn change_level(case: &mut Case<'_>, to_level: i16) {
    let ticket = &mut case.ticket;
    ticket.status = TicketStatus::Escalated;
    ticket.support_level = to_level;
    ticket.assignee_id = None;
    ticket.assigned_at = None;
    ticket.accepted_at = None;
    ticket.scheduled_for = None;
    ticket.clock_stopped_at = None;
    ticket.due_soon_told_at = None;
    ticket.overdue_told_at = None;
}
