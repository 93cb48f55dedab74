//! A ticket, as the database has it and as the API answers it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::expansion::Expanded;
use super::workflow::{Status, Step};
use crate::db::schema::tickets;
use crate::language::text_enum;
use crate::people::user::Contact;
use crate::people::{Named, Person};

text_enum! {
    /// How much harm an incident does (nivel de criticidad).
    pub enum Criticality {
        /// Many users, the security of systems and network, or data that may be lost for good.
        Critical = "critical",
        /// Considerable impact on critical resources.
        High = "high",
        /// Considerable impact on resources that are not critical.
        Medium = "medium",
        /// Little impact.
        Low = "low",
    }
}

text_enum! {
    /// How a request came in.
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
        /// The requester's profile is not the one that the category asks for.
        ProfileNotAuthorized = "profile_not_authorized",
        /// Another ticket is about the same.
        Duplicate = "duplicate",
        /// The requester does not need it any more.
        Withdrawn = "withdrawn",
    }
}

/// The row of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Identifiable, AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub struct TicketRow {
    pub id: i64,
    pub subject: String,
    pub description: String,
    pub status: Status,
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
    pub resumes_to: Option<Status>,
    pub information_deadline: Option<DateTime<Utc>>,
    pub resubmission_of: Option<i64>,
}

/// Who asked, with their data as they were at registration.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Requester {
    pub id: Uuid,
    #[schema(max_length = 200, example = "Rosa Pérez Gómez")]
    pub full_name: String,
    /// `null` where the request was archived at once as `missing_information`.
    #[schema(max_length = 30, example = "43111220")]
    pub document_id: Option<String>,
    #[schema(max_length = 254, example = "requester@mesa.test")]
    pub email: String,
    pub contact: Contact,
    /// `null` where the request was archived at once as `missing_information`.
    pub unit: Option<Named>,
}

/// What solved a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Solution {
    #[schema(max_length = 20_000, example = "Se cambió el puerto del switch.")]
    pub description: String,
    pub solved_by: Option<Person>,
    pub solved_at: DateTime<Utc>,
}

/// Why a ticket was set aside.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Archive {
    pub reason: ArchiveReason,
    /// In the words of whoever archived it; what was asked for, where nobody answered.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Why, as the requester was told, in their language.
    #[schema(max_length = 2000, example = "Faltan datos que se necesitan para atender la solicitud.")]
    pub why: String,
    /// What the requester can do next, in the requester's language, as it was sent.
    #[schema(
        max_length = 2000,
        example = "Preséntela de nuevo con los datos que faltan; lo demás se toma de esta solicitud."
    )]
    pub next_step: String,
    pub archived_at: DateTime<Utc>,
    /// The ticket that presents it again: `POST /tickets/{ticket_id}/resubmission`.
    #[schema(example = 124)]
    pub resubmitted_as: Option<i64>,
}

/// What a ticket waits for that its requester owes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InformationRequest {
    /// What is missing, in words for the requester.
    #[schema(max_length = 2000, example = "¿Cuál es la placa del equipo?")]
    pub missing: String,
    /// Until when the requester may answer; then the ticket is archived.
    pub deadline: DateTime<Utc>,
    pub requested_at: DateTime<Utc>,
}

/// A request for support.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// The ticket's number, given by the system one after the other.
    #[schema(example = 123, minimum = 1)]
    pub id: i64,
    #[schema(max_length = 200, example = "La impresora del despacho no imprime")]
    pub subject: String,
    #[schema(max_length = 20_000, example = "Desde esta mañana muestra atasco y no hay papel dentro.")]
    pub description: String,
    pub status: Status,
    /// `null` until it is classified.
    pub criticality: Option<Criticality>,
    pub channel: Channel,
    /// 1 technician, 2 professional, 3 director or a third party; an escalation raises it.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    pub support_level: i16,
    pub category: Option<Named>,
    pub requester: Requester,
    /// Who registered it: the requester, or staff on their behalf.
    pub registered_by: Option<Person>,
    /// Who has the case.
    pub assignee: Option<Person>,
    pub received_at: DateTime<Utc>,
    pub classified_at: Option<DateTime<Utc>>,
    pub assigned_at: Option<DateTime<Utc>>,
    /// When the present assignee made the case theirs.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the requester will be attended, as the assignee said on accepting or rescheduling.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Until when somebody of the present support level must accept it. `null` until it is classified, and while the
    /// clock stands still because the requester owes information.
    pub attention_due_at: Option<DateTime<Utc>>,
    /// When it was accepted for the first time: the end of the attention time.
    pub attended_at: Option<DateTime<Utc>>,
    pub solution: Option<Solution>,
    pub closed_at: Option<DateTime<Utc>>,
    /// While it is `on_hold`: the state that it goes back to.
    pub resumes_to: Option<Status>,
    /// While it is `on_hold` because the requester owes information: what, and until when.
    pub information_request: Option<InformationRequest>,
    pub archive: Option<Archive>,
    /// The archived ticket that this one presents again.
    #[schema(example = 122)]
    pub resubmission_of: Option<i64>,
    /// What its state allows next; whether one may do it oneself is `GET /me`.
    #[schema(max_items = 20)]
    pub allowed_steps: Vec<Step>,
    /// How often it was reopened.
    #[schema(minimum = 0, example = 0)]
    pub reopened_count: i32,
    pub updated_at: DateTime<Utc>,
    /// Only where `expand` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expanded: Option<Expanded>,
}
