//! A ticket as lists show it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::expansion::Expanded;
use super::model::{ArchiveReason, Channel, Criticality, Import};
use super::names::Names;
use super::permitted::{self, Standing};
use super::workflow::{Step, TicketStatus};
use crate::auth::no_address;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::{Actor, etag};
use crate::people::{Named, Person};
use crate::problem::Result;

/// The columns of a list. The description stays in the database.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = tickets)]
pub struct SummaryRow {
    pub id: i64,
    subject: String,
    status: TicketStatus,
    criticality: Option<Criticality>,
    channel: Channel,
    support_level: i16,
    category_id: Option<Uuid>,
    requester_id: Uuid,
    requester_full_name: String,
    requester_email: String,
    requester_unit_id: Option<Uuid>,
    requester_unit_name: Option<String>,
    registered_by_id: Uuid,
    assignee_id: Option<Uuid>,
    pub received_at: DateTime<Utc>,
    classified_at: Option<DateTime<Utc>>,
    assigned_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    scheduled_for: Option<DateTime<Utc>>,
    pub attention_due_at: Option<DateTime<Utc>>,
    attended_at: Option<DateTime<Utc>>,
    solved_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    archived_at: Option<DateTime<Utc>>,
    archive_reason: Option<ArchiveReason>,
    resumes_to: Option<TicketStatus>,
    third_party: Option<String>,
    automatic: bool,
    external_source: Option<String>,
    external_id: Option<String>,
    imported_at: Option<DateTime<Utc>>,
    reopened_count: i32,
    version: i32,
    pub updated_at: DateTime<Utc>,
}

/// The most characters of an excerpt.
const EXCERPT: usize = 200;

/// The first 200 characters of a description on one line; the end of a longer text is replaced by an ellipsis.
fn excerpt(beginning: &str) -> String {
    let is_longer = beginning.chars().nth(EXCERPT).is_some();
    let kept = if is_longer { EXCERPT - 1 } else { EXCERPT };
    let mut excerpt = String::with_capacity(beginning.len() + '…'.len_utf8());
    let mut after_space = false;
    for letter in beginning.chars().take(kept) {
        match letter.is_whitespace() {
            false => excerpt.push(letter),
            true if !after_space => excerpt.push(' '),
            true => {}
        }
        after_space = letter.is_whitespace();
    }
    if is_longer {
        excerpt.push('…');
    }
    excerpt
}

/// Whether the tickets of a list have their excerpts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excerpts {
    Read,
    Empty,
}

/// The names and the excerpts of the tickets of one page, in one statement. In the statement of the list PostgreSQL would read
/// the description of every ticket that it sorts.
fn names_and_excerpts(
    db: &mut PgConnection,
    rows: &[SummaryRow],
    excerpts: Excerpts,
) -> Result<(Names, HashMap<i64, String>)> {
    type PersonColumns = Nullable<(SqlUuid, Text, Text, Text)>;
    type Columns = (BigInt, PersonColumns, PersonColumns, Nullable<(SqlUuid, Text)>, Text);
    type Found = (i64, Option<Person>, Option<Person>, Option<(Uuid, String)>, String);
    // One look-up by person: with a plain join PostgreSQL reads all accounts for a page of fifty tickets.
    const NAMES: &str = " FROM tickets t \
        LEFT JOIN LATERAL (SELECT id, full_name, role, account_kind FROM users WHERE id = t.registered_by_id OFFSET 0) r ON true \
        LEFT JOIN LATERAL (SELECT id, full_name, role, account_kind FROM users WHERE id = t.assignee_id OFFSET 0) a ON true \
        LEFT JOIN categories c ON c.id = t.category_id WHERE t.id = ANY(";
    let found: Vec<Found> = Statement::typed::<Columns>(
        "SELECT t.id, r.id, r.full_name, r.role, r.account_kind, a.id, a.full_name, a.role, a.account_kind, c.id, c.name, ",
    )
    // One character more than an excerpt has, so that a longer text is noticed.
    .sql(match excerpts {
        Excerpts::Read => format!("left(t.description, {})", EXCERPT + 1),
        Excerpts::Empty => "''".to_owned(),
    })
    .sql(NAMES)
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.id).collect::<Vec<i64>>())
    .sql(")")
    .load(db)?;
    let (mut people, mut known, mut texts) = (Vec::new(), Vec::new(), HashMap::new());
    for (id, registered_by, assignee, category, text) in found {
        people.extend([registered_by, assignee].into_iter().flatten());
        known.extend(category);
        texts.insert(id, excerpt(&text));
    }
    Ok((Names::of(people, known), texts))
}

/// The requester of a ticket, as lists show them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequesterSummary {
    /// Identifier of the requester's account.
    pub id: Uuid,
    /// Full name at the registration.
    #[schema(max_length = 200, example = "Rosa Pérez Gómez")]
    pub full_name: String,
    /// E-mail address at the registration.
    #[schema(max_length = 254, example = "requester@mesa.test")]
    pub email: String,
    /// Whether mail can be sent to `email`. `false` for a requester without an address: `email` is then not to be shown.
    pub has_email: bool,
    /// Administrative unit at the registration; `null` if the request was archived immediately as
    /// `missing_information`.
    pub unit: Option<Named>,
}

/// A ticket as lists show it. `GET /tickets/{ticket_id}` has the rest: description, requester's data, solution.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketSummary {
    /// The number of the ticket, assigned by the system consecutively.
    #[schema(example = 123, minimum = 1)]
    pub id: i64,
    /// The subject in a few words.
    #[schema(max_length = 200, example = "La impresora del despacho no imprime")]
    pub subject: String,
    /// The first 200 characters of the description, on one line; a longer text ends with `…`.
    #[schema(max_length = 200, example = "Desde esta mañana muestra atasco y no hay papel dentro.")]
    pub excerpt: String,
    /// The current state.
    pub status: TicketStatus,
    /// The criticality; `null` until the classification.
    pub criticality: Option<Criticality>,
    /// The channel by which it was registered.
    pub channel: Channel,
    /// 1 technician, 2 professional, 3 director or a third party.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    pub support_level: i16,
    /// The category; `null` if it has none.
    pub category: Option<Named>,
    /// The person who asks for support.
    pub requester: RequesterSummary,
    /// The person who registered it: the requester, or staff on their behalf.
    pub registered_by: Option<Person>,
    /// The current assignee; `null` if it has none.
    pub assignee: Option<Person>,
    /// When it was received: the start of the attention time.
    pub received_at: DateTime<Utc>,
    /// When it was classified last; `null` until then.
    pub classified_at: Option<DateTime<Utc>>,
    /// When it was assigned to the current assignee; `null` without one.
    pub assigned_at: Option<DateTime<Utc>>,
    /// When the current assignee accepted it; `null` until then.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the requester will be attended; `null` without an appointment.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The time by which it must be accepted at the current support level; until the classification, by the attention time
    /// of a provisional criticality. `null` while the clock is paused because the requester owes information.
    pub attention_due_at: Option<DateTime<Utc>>,
    /// When it was accepted for the first time: the end of the attention time. `null` until then.
    pub attended_at: Option<DateTime<Utc>>,
    /// When it was solved; `null` while it is not.
    pub solved_at: Option<DateTime<Utc>>,
    /// When it was closed; `null` while it is not.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was archived; `null` unless it is `archived`.
    pub archived_at: Option<DateTime<Utc>>,
    /// Why it was archived; `null` unless it is `archived`.
    pub archive_reason: Option<ArchiveReason>,
    /// The state to which it returns after the hold; `null` unless it is `on_hold`.
    pub resumes_to: Option<TicketStatus>,
    /// Where it was imported from; `null` if it was registered here.
    pub import: Option<Import>,
    /// The steps that the state allows and that the caller may take.
    #[schema(max_items = 20)]
    pub allowed_steps: Vec<Step>,
    /// How many times it was reopened.
    #[schema(minimum = 0, example = 0)]
    pub reopened_count: i32,
    /// When it was last changed. Private followups and relations do not change it.
    pub updated_at: DateTime<Utc>,
    /// The version of the ticket, for `If-Match` of a change or step.
    #[schema(max_length = 100, example = "\"3-8f14e45fceea\"")]
    pub etag: String,
    /// The related data that `expand` requested; omitted if it requested none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expanded: Option<Expanded>,
}

/// The tickets as lists show them to this person.
pub fn present(
    db: &mut PgConnection,
    actor: &Actor,
    rows: Vec<SummaryRow>,
    excerpts: Excerpts,
) -> Result<Vec<TicketSummary>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (names, mut texts) = names_and_excerpts(db, &rows, excerpts)?;
    let summary = |row: SummaryRow| TicketSummary {
        allowed_steps: permitted::steps(
            actor,
            Standing {
                status: row.status,
                resumes_to: row.resumes_to,
                requester_id: row.requester_id,
                assignee_id: row.assignee_id,
                support_level: row.support_level,
                third_party: row.third_party.is_some(),
                automatic: row.automatic,
            },
        ),
        id: row.id,
        subject: row.subject,
        excerpt: texts.remove(&row.id).unwrap_or_default(),
        status: row.status,
        criticality: row.criticality,
        channel: row.channel,
        support_level: row.support_level,
        category: names.category(row.category_id),
        requester: RequesterSummary {
            id: row.requester_id,
            full_name: row.requester_full_name,
            has_email: no_address::is_deliverable(&row.requester_email),
            email: row.requester_email,
            unit: row.requester_unit_id.zip(row.requester_unit_name).map(|(id, name)| Named { id, name }),
        },
        registered_by: names.person(Some(row.registered_by_id)),
        assignee: names.person(row.assignee_id),
        received_at: row.received_at,
        classified_at: row.classified_at,
        assigned_at: row.assigned_at,
        accepted_at: row.accepted_at,
        scheduled_for: row.scheduled_for,
        attention_due_at: row.attention_due_at,
        attended_at: row.attended_at,
        solved_at: row.solved_at,
        closed_at: row.closed_at,
        archived_at: row.archived_at,
        archive_reason: row.archive_reason,
        resumes_to: row.resumes_to,
        import: Import::of(row.external_source, row.external_id, row.imported_at),
        reopened_count: row.reopened_count,
        updated_at: row.updated_at,
        etag: etag::of_version(row.id, row.version),
        expanded: None,
    };
    Ok(rows.into_iter().map(summary).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_of_200_characters() {
        assert_eq!(excerpt("No  imprime.\r\n\r\nGracias\u{a0}"), "No imprime. Gracias ");
        let whole = "á".repeat(EXCERPT);
        assert_eq!(excerpt(&whole), whole);
        let cut = excerpt(&(whole.clone() + "b"));
        assert_eq!(cut, "á".repeat(EXCERPT - 1) + "…");
    }
}
