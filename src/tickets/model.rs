//! A ticket, in the database and in the API.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::expansion::Expanded;
use super::minimum_data::MinimumDatum;
use super::workflow::{Step, TicketStatus};
pub use crate::config::Criticality;
use crate::db::schema::tickets;
use crate::language::text_enum;
use crate::people::user::Contact;
use crate::people::{Named, Person};

text_enum! {
    /// The channel by which a request was made.
    pub enum Channel {
        Api = "api",
        Web = "web",
        Email = "email",
        Phone = "phone",
        InPerson = "in_person",
    }
}

text_enum! {
    /// Why a ticket was archived.
    pub enum ArchiveReason {
        /// The minimum data were not given.
        MissingInformation = "missing_information",
        /// The requester does not have the profile that the category requires.
        ProfileNotAuthorized = "profile_not_authorized",
        /// Another ticket is about the same matter.
        Duplicate = "duplicate",
        /// The requester no longer needs it.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// Why the staff of a ticket's support level are told of it.
    pub enum CallCause {
        /// It was registered.
        Received = "received",
        /// It was escalated to this level.
        Escalated = "escalated",
        /// It was returned to this level.
        Returned = "returned",
        /// It was classified as critical.
        Critical = "critical",
        /// Nobody could be assigned automatically, or its assignee can no longer attend to it.
        Unassigned = "unassigned",
    }
}

/// The row of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Identifiable, AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub struct TicketRow {
    pub id: i64,
    pub subject: String,
    pub description: String,
    pub status: TicketStatus,
    pub criticality: Option<Criticality>,
    pub channel: Channel,
    pub support_level: i16,
    pub category_id: Option<Uuid>,
    pub requester_id: Uuid,
    pub requester_full_name: String,
    pub requester_document_id: Option<String>,
    pub requester_email: String,
    pub requester_landline: Option<String>,
    pub requester_extension: Option<String>,
    pub requester_mobile: Option<String>,
    pub requester_unit_id: Option<Uuid>,
    pub requester_unit_name: Option<String>,
    pub registered_by_id: Uuid,
    pub assignee_id: Option<Uuid>,
    pub received_at: DateTime<Utc>,
    pub classified_at: Option<DateTime<Utc>>,
    pub assigned_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub attention_due_at: Option<DateTime<Utc>>,
    pub attention_due_soon_at: Option<DateTime<Utc>>,
    pub clock_stopped_at: Option<DateTime<Utc>>,
    pub due_soon_told_at: Option<DateTime<Utc>>,
    pub overdue_told_at: Option<DateTime<Utc>>,
    pub first_attention_due_at: Option<DateTime<Utc>>,
    pub attended_at: Option<DateTime<Utc>>,
    pub solved_at: Option<DateTime<Utc>>,
    pub solved_by_id: Option<Uuid>,
    pub solution: Option<String>,
    pub closed_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
    pub archive_reason: Option<ArchiveReason>,
    pub archive_note: Option<String>,
    pub reopened_count: i32,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub resumes_to: Option<TicketStatus>,
    pub information_deadline: Option<DateTime<Utc>>,
    pub resubmission_of: Option<i64>,
    pub staff_called_at: Option<DateTime<Utc>>,
    pub staff_call_cause: Option<CallCause>,
    pub third_party: Option<String>,
    pub third_party_promised_for: Option<DateTime<Utc>>,
    /// A program sent it by mail: nothing is mailed to its requester, and it has no minimum data.
    pub automatic: bool,
    /// Where mail to its requester goes instead of the address of the account.
    pub reply_to: Option<String>,
    /// The system that it was imported from.
    pub external_source: Option<String>,
    /// The identifier of the ticket in that system.
    pub external_id: Option<String>,
    pub imported_at: Option<DateTime<Utc>>,
}

impl TicketRow {
    /// Where it was imported from; `None` if it was registered here.
    pub fn import(&self) -> Option<Import> {
        Import::of(self.external_source.clone(), self.external_id.clone(), self.imported_at)
    }
}

/// Where a ticket was imported from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ImportOrigin)]
pub struct Import {
    /// The other system.
    #[schema(max_length = 50, example = "glpi")]
    pub external_source: String,
    /// The identifier of the ticket in that system.
    #[schema(max_length = 100, example = "2024-000123")]
    pub external_id: String,
    /// When it was imported for the first time.
    pub imported_at: DateTime<Utc>,
}

impl Import {
    /// `None` unless there is each of them.
    pub fn of(
        source: Option<String>,
        id: Option<String>,
        imported_at: Option<DateTime<Utc>>,
    ) -> Option<Self> {
        Some(Import { external_source: source?, external_id: id?, imported_at: imported_at? })
    }
}

/// The requester, with their data at the registration of the ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Requester {
    /// Identifier of the requester's account.
    pub id: Uuid,
    /// The full name at the registration; `(sin nombre)` if a request by mail did not give it.
    #[schema(max_length = 200, example = "Rosa Pérez Gómez")]
    pub full_name: String,
    /// The number of the identity document. `null` if a request by mail did not give it.
    #[schema(max_length = 30, example = "43111220")]
    pub document_id: Option<String>,
    /// The address of the requester's account at the registration.
    #[schema(max_length = 254, example = "requester@mesa.test")]
    pub email: String,
    /// Whether mail can be sent to `email`. `false` for a requester without an address: `email` is then not to be shown.
    pub has_email: bool,
    /// The telephone numbers at the registration.
    pub contact: Contact,
    /// The requester's unit at the registration. `null` if a request by mail did not give it.
    pub unit: Option<Named>,
}

/// The solution of a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Solution {
    /// What was done, as a text for the requester.
    #[schema(max_length = 20_000, example = "Se cambió el puerto del switch.")]
    pub description: String,
    /// The person who recorded the solution.
    pub solved_by: Option<Person>,
    /// When the solution was recorded.
    pub solved_at: DateTime<Utc>,
}

/// Why a ticket was archived.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Archive {
    /// Why the ticket was archived.
    pub reason: ArchiveReason,
    /// The explanation that was sent to the requester in addition to `why`. For a requester who did not answer: the
    /// requested information. `null` if there is none.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// The reason as a sentence for the requester, in the language of the requester's account.
    #[schema(max_length = 2000, example = "Faltan datos necesarios para atender la solicitud.")]
    pub why: String,
    /// What the requester can do next, as a sentence in the language of the requester's account.
    #[schema(
        max_length = 2000,
        example = "Preséntela nuevamente con los datos que faltan; los demás se toman de esta solicitud."
    )]
    pub next_step: String,
    /// When the ticket was archived.
    pub archived_at: DateTime<Utc>,
    /// The number of the ticket that resubmits this one (`POST /tickets/{ticket_id}/resubmission`); `null` if there is
    /// none.
    #[schema(example = 124)]
    #[serde(rename = "resubmitted_as_id")]
    pub resubmitted_as: Option<i64>,
}

/// Information that a ticket needs from its requester.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InformationRequest {
    /// The missing information, as a text for the requester.
    #[schema(max_length = 2000, example = "¿Cuál es la placa del equipo?")]
    pub missing: String,
    /// The minimum data of the requester that the ticket lacks: of a request by mail that did not give them. Empty for
    /// any other request for information.
    #[schema(max_items = 6)]
    pub missing_data: Vec<MinimumDatum>,
    /// The deadline for the requester's answer. Without an answer by then the ticket is archived.
    #[serde(rename = "deadline_at")]
    pub deadline: DateTime<Utc>,
    /// When the information was requested.
    pub requested_at: DateTime<Utc>,
}

/// Why a ticket waits for an external cause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketHold {
    /// The reason of the wait, as it was sent to the requester.
    #[schema(max_length = 2000, example = "Se espera el repuesto del proveedor.")]
    pub reason: String,
    /// When it was put on hold.
    pub held_at: DateTime<Utc>,
    /// The person who put it on hold.
    pub held_by: Option<Person>,
}

/// A third party that works on a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThirdPartyWork {
    /// The name of the third party.
    #[schema(max_length = 200, example = "Soporte de Redes S. A. S.")]
    pub name: String,
    /// The date and time by which it promised to attend to the ticket; `null` if it promised none.
    pub promised_for: Option<DateTime<Utc>>,
}

text_enum! {
    /// Why a person may not be able to attend to a ticket now.
    pub enum AssignmentWarningCode {
        /// The person is absent.
        Absent = "absent",
        /// The person is not on shift.
        OffShift = "off_shift",
        /// The last day of the person's contract has passed.
        ContractEnded = "contract_ended",
    }
}

/// Why the new assignee may not be able to attend to a ticket now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssignmentWarning {
    /// The reason.
    pub code: AssignmentWarningCode,
    /// The reason as a sentence, in the language of the request.
    #[schema(max_length = 500, example = "Ana María Restrepo no está en turno.")]
    pub detail: String,
}

/// A request for support.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// The number of the ticket. The server assigns numbers consecutively.
    #[schema(example = 123, minimum = 1)]
    pub id: i64,
    /// A short summary of the request.
    #[schema(max_length = 200, example = "La impresora del despacho no imprime")]
    pub subject: String,
    /// The full text of the request.
    #[schema(max_length = 20_000, example = "Desde esta mañana muestra atasco y no hay papel dentro.")]
    pub description: String,
    /// The current state of the ticket.
    pub status: TicketStatus,
    /// The impact of the incident. `null` until the ticket is classified.
    pub criticality: Option<Criticality>,
    /// The channel by which the request was made.
    pub channel: Channel,
    /// Whether a program sent the request by mail, such as a monitoring system: nothing is mailed to its requester, minimum
    /// data are not required, and no survey is offered.
    #[schema(example = false)]
    pub automatic: bool,
    /// The current support level: 1 technician, 2 professional, 3 director or a third party. An escalation raises it,
    /// a return lowers it.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    pub support_level: i16,
    /// The category of the request; `null` if it has none.
    pub category: Option<Named>,
    /// The person whom the ticket is for.
    pub requester: Requester,
    /// The person who registered it: the requester, or staff on their behalf.
    pub registered_by: Option<Person>,
    /// The current assignee; `null` if nobody is assigned.
    pub assignee: Option<Person>,
    /// When the request was registered.
    pub received_at: DateTime<Utc>,
    /// When the ticket was last classified; `null` until it is classified.
    pub classified_at: Option<DateTime<Utc>>,
    /// When the current assignee was assigned; `null` if nobody is assigned.
    pub assigned_at: Option<DateTime<Utc>>,
    /// When the current assignee accepted the ticket; `null` until then.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the requester will be attended, as set by the assignee at the acceptance or the last rescheduling. `null`
    /// if no appointment was set.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The time by which the ticket must be accepted at its current support level. Until it is classified, the time by
    /// the attention time of a provisional criticality (`MESA_PROVISIONAL_CRITICALITY`). `null` while the clock is paused
    /// because the requester owes information.
    pub attention_due_at: Option<DateTime<Utc>>,
    /// When the ticket was accepted for the first time: the end of the attention time. `null` until then.
    pub attended_at: Option<DateTime<Utc>>,
    /// The current solution. `null` until the ticket is solved, and again after it is reopened.
    pub solution: Option<Solution>,
    /// When the ticket was closed; `null` until then.
    pub closed_at: Option<DateTime<Utc>>,
    /// The third party outside of the entity that works on the ticket now, under the assignee who manages the case;
    /// `null` if there is none.
    pub third_party_work: Option<ThirdPartyWork>,
    /// The state to which the ticket returns after the hold; `null` unless it is `on_hold`.
    pub resumes_to: Option<TicketStatus>,
    /// The hold for an external cause: the reason, since when and by whom. `null` unless the ticket is `on_hold` for such a
    /// cause.
    pub hold: Option<TicketHold>,
    /// The information that the requester owes, and the deadline. `null` unless the ticket is `on_hold` for information
    /// from the requester.
    pub information_request: Option<InformationRequest>,
    /// Why the ticket was archived, and what the requester can do next. `null` unless it is `archived`.
    pub archive: Option<Archive>,
    /// The number of the archived ticket that this one resubmits; `null` if it resubmits none.
    #[schema(example = 122)]
    #[serde(rename = "resubmission_of_id")]
    pub resubmission_of: Option<i64>,
    /// Where it was imported from; `null` if it was registered here. An imported ticket has no attention clock and no survey, and
    /// no figure counts it.
    pub import: Option<Import>,
    /// The steps that the state allows and that the caller may take.
    #[schema(max_items = 20)]
    pub allowed_steps: Vec<Step>,
    /// How many times the ticket was reopened.
    #[schema(minimum = 0, example = 0)]
    pub reopened_count: i32,
    /// When the ticket was last changed. Private followups and relations do not change it.
    pub updated_at: DateTime<Utc>,
    /// The related data that `expand` requested; omitted if it requested none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expanded: Option<Expanded>,
    /// Why the new assignee may not be able to attend to the ticket now. Only in the answer of `POST
    /// /tickets/{ticket_id}/assignment` with an `assignee_id`, and omitted if there is no reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 10)]
    pub warnings: Vec<AssignmentWarning>,
}
