//! Activity 4: assignment, to a given person or to the available person with the least open work.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Case, Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::{Action, Role};
use crate::db::schema::{attentions, users};
use crate::holidays::sets;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::outbox::MessageKind;
use crate::people::availability::EntityClock;
use crate::people::schedules;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::automatic::Candidates;
use crate::tickets::model::{AssignmentWarning, AssignmentWarningCode, Ticket};
use crate::tickets::staff_calls;
use crate::tickets::workflow::{Step, TicketStatus};

/// The new assignee. An empty object requests automatic assignment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentCreate {
    /// The new assignee: the id of an active member of staff of the ticket's support level or above, on shift or not;
    /// or `me`, the caller. Automatic assignment if omitted or `null`.
    #[schema(inline, value_type = Option<AssigneeId>)]
    assignee_id: Option<AssigneeId>,
    /// Identifier of the person who is the assignee as far as the caller knows. If the ticket has another assignee by
    /// then, or none, the response is a 409 `already_assigned`. Required if the ticket has an assignee and the new one
    /// is the caller or chosen automatically; optional otherwise.
    #[serde(rename = "replaced_assignee_id")]
    replaces: Option<Uuid>,
}

/// A user's id, or `me`.
#[derive(Clone, Copy)]
enum AssigneeId {
    Me,
    User(Uuid),
}

impl AssigneeId {
    fn user(self, me: Uuid) -> Uuid {
        match self {
            AssigneeId::Me => me,
            AssigneeId::User(id) => id,
        }
    }
}

impl<'de> Deserialize<'de> for AssigneeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "me" {
            return Ok(AssigneeId::Me);
        }
        text.parse().map(AssigneeId::User).map_err(|_| de::Error::custom("expected `me` or a user's id"))
    }
}

impl PartialSchema for AssigneeId {
    fn schema() -> RefOr<Schema> {
        let pattern = "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(36)).into()
    }
}

impl ToSchema for AssigneeId {}

/// Assign a ticket
///
/// Assigns the ticket to the given person, or to a person chosen automatically if `assignee_id` is omitted. It also
/// replaces the current assignee. Allowed from the classification of the ticket until it is solved. The new assignee is
/// notified and has to accept the ticket.
///
/// If several people assign the same ticket to themselves at the same moment, one succeeds and the others receive a 409
/// `already_assigned`, whose `assignee_id` is the current assignee. To replace that person, send the request again with
/// their id in `replaced_assignee_id`.
///
/// Automatic assignment chooses among the active people whose role is that of the ticket's support level, who are on
/// shift now, not absent and under contract. The current assignee is excluded. It takes the person with the least open
/// work: the number of tickets in `assigned`, `in_progress` or `on_hold`, weighted by criticality (critical 8, high 4,
/// medium 2, low 1). If several people have the same open work, it takes the one whose last assignment is the oldest.
///
/// A person who is named is assigned the ticket even if they are absent, off shift or no longer under contract; the answer
/// then has `warnings`. A ticket that a third party works on can be assigned to staff of any level, who manage the case. If
/// the previous assignee had accepted the ticket, the requester is told that the appointment is void.
///
/// If no one is available, the staff of the level are told of the ticket: those on call, or otherwise whoever comes on
/// next, and the director of a critical one. The response is a 409 `nobody_available`. Its `next_available_user` and `next_available_at`
/// state who is available next, and when; both are `null` if no one will be.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Assign))),
    tag = "ticket steps", operation_id = "assignTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<AssignmentCreate>),
    responses(
        (status = 200, body = Ticket, description = "The ticket after the step"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `already_assigned`: `assignee_id` is the current assignee; `nobody_available`: nobody can be assigned automatically now"),
    )
)]
#[post("/tickets/{ticket_id}/assignment")]
pub async fn assign(call: Call, id: Path<i64>, body: Body<AssignmentCreate>) -> Result<HttpResponse> {
    let (desk, ticket_id) = (call.desk.clone(), *id);
    let answer = change(call, ticket_id, body, apply).await;
    if answer.as_ref().is_err_and(|problem| problem.code == Code::NobodyAvailable) {
        // In a separate transaction, as that of the step was rolled back.
        desk.db.run(move |db| staff_calls::call_for_unassigned(db, ticket_id)).await?;
    }
    answer
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    id: i64,
    body: Body<AssignmentCreate>,
) -> Result<Answer> {
    let step = (Step::Assign, EventKind::Assigned);
    take(tx, actor, id, step, body, move |case, actor, AssignmentCreate { assignee_id, replaces }| {
        let assignee_id = assignee_id.map(|assignee| assignee.user(actor.id));
        let has_it = case.ticket.assignee_id;
        let taken = match (has_it, replaces) {
            (_, Some(_)) => has_it != replaces || assignee_id == has_it,
            (Some(_), None) => {
                assignee_id.is_none() || assignee_id == has_it || assignee_id == Some(actor.id)
            }
            (None, None) => false,
        };
        if taken {
            return Err(already_assigned(has_it));
        }
        let level = case.ticket.support_level;
        let mut warned = Vec::new();
        let assignee = match assignee_id {
            Some(assignee) => {
                // A case that a third party works on is managed by staff of any level.
                let required = if case.ticket.third_party.is_some() { 1 } else { level };
                able(case.tx, assignee, required, "/assignee_id")?;
                warned = warnings(case, assignee, setting.locale)?;
                assignee
            }
            None => {
                let holidays = sets::current(case.tx)?;
                let clock = EntityClock { timezone: case.timezone, holidays: &holidays };
                let mut candidates = Candidates::load(case.tx, &[level], clock, case.now)?;
                candidates.choose(level, case.ticket.criticality, has_it)?.id
            }
        };
        give(case, assignee)?;
        case.details.automatic = Some(assignee_id.is_none());
        Ok(Reply::Within(Box::new(move |ticket| Answer::ok(&Ticket { warnings: warned, ..ticket }))))
    })
}

fn already_assigned(has_it: Option<Uuid>) -> Problem {
    let mut problem = Problem::new(
        Code::AlreadyAssigned,
        Text::new(
            "El caso está asignado a la persona de `assignee_id`; para reemplazarla, indíquela en `replaced_assignee_id`.",
            "`assignee_id` is the current assignee; to replace them, give their id in `replaced_assignee_id`.",
        ),
    );
    problem.members.insert("assignee_id".to_owned(), json!(has_it));
    problem
}

/// Assigns the case to a person, who has yet to accept it. A requester who was told of another person's attendance is told
/// that it is void.
pub fn give(case: &mut Case<'_>, assignee: Uuid) -> Result<()> {
    keep_assignee(case, assignee, case.now)?;
    if case.ticket.accepted_at.is_some() {
        let data = json!({"scheduled_for": case.ticket.scheduled_for});
        case.notify(MessageKind::AppointmentVoided, case.ticket.requester_id, data);
    }
    let ticket = &mut case.ticket;
    ticket.assignee_id = Some(assignee);
    ticket.assigned_at = Some(case.now);
    ticket.accepted_at = None;
    ticket.scheduled_for = None;
    match ticket.status {
        TicketStatus::OnHold => ticket.resumes_to = Some(TicketStatus::Assigned),
        _ => ticket.status = TicketStatus::Assigned,
    }
    case.notify(MessageKind::Assigned, assignee, json!({}));
    Ok(())
}

/// Records the assignee of the current clock.
pub fn keep_assignee(case: &mut Case<'_>, assignee: Uuid, assigned_at: DateTime<Utc>) -> Result<()> {
    diesel::update(attentions::table.find((case.ticket.id, case.ticket.support_level)))
        .set((attentions::assignee_id.eq(assignee), attentions::assigned_at.eq(assigned_at)))
        .execute(case.tx)?;
    Ok(())
}

/// The reasons why a person may not be able to attend to a ticket now.
fn warnings(case: &mut Case<'_>, assignee: Uuid, locale: Locale) -> Result<Vec<AssignmentWarning>> {
    let schedule = schedules::for_user(case.tx, assignee, case.now)?;
    let holidays = sets::current(case.tx)?;
    let clock = EntityClock { timezone: case.timezone, holidays: &holidays };
    let mut codes = Vec::new();
    if schedule.has_contract_ended(clock, case.now) {
        codes.push(AssignmentWarningCode::ContractEnded);
    }
    if schedule.is_absent(case.now) {
        codes.push(AssignmentWarningCode::Absent);
    }
    if !schedule.is_on_shift(clock, case.now) {
        codes.push(AssignmentWarningCode::OffShift);
    }
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let name: String = users::table.find(assignee).select(users::full_name).get_result(case.tx)?;
    let next = schedule.next_available(clock, case.now).map(|next| locale.moment(next, case.timezone));
    let warning = |code: AssignmentWarningCode| {
        let what = match code {
            AssignmentWarningCode::ContractEnded => Text::made(
                format!("El contrato de {name} terminó."),
                format!("The contract of {name} has ended."),
            ),
            AssignmentWarningCode::Absent => {
                Text::made(format!("{name} está ausente."), format!("{name} is absent."))
            }
            AssignmentWarningCode::OffShift => {
                Text::made(format!("{name} no está en turno."), format!("{name} is not on shift."))
            }
        };
        let detail = match (what.in_locale(locale), &next) {
            (what, None) => what.to_owned(),
            (what, Some(next)) if locale == Locale::Es => format!("{what} Estará disponible el {next}"),
            (what, Some(next)) => format!("{what} Available again on {next}"),
        };
        AssignmentWarning { code, detail }
    };
    Ok(codes.into_iter().map(warning).collect())
}

/// Checks that the person given at `pointer` can be assigned work of this level.
///
/// # Errors
/// A 422 otherwise.
pub fn able(tx: &mut PgConnection, id: Uuid, level: i16, pointer: &str) -> Result<()> {
    let role: Option<Role> =
        users::table.find(id).filter(users::active).select(users::role).get_result(tx).optional()?;
    match role.map(Role::support_level) {
        None => Err(Problem::field(FieldError::unknown_id(pointer))),
        Some(Some(own)) if own >= level => Ok(()),
        Some(_) => Err(Problem::field(FieldError::new(
            pointer,
            FieldCode::NotAllowed,
            Text::made(
                format!("Debe ser una persona del nivel {level} de soporte o de uno superior."),
                format!("It must be a member of staff of support level {level} or above."),
            ),
        ))),
    }
}
