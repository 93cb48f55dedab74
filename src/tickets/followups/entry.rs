//! A followup as it is stored, and as a caller sees it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{followups, users};
use crate::http::{Actor, Answer};
use crate::language::text_enum;
use crate::people::Person;
use crate::problem::{Problem, Result};

text_enum! {
    /// Who may read a followup.
    pub enum FollowupVisibility {
        /// The requester, who receives it by mail, and staff.
        Public = "public",
        /// Staff only.
        Private = "private",
    }
}

/// An entry of the case.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Followup {
    /// Identifier of the followup.
    pub id: Uuid,
    /// Number of the ticket.
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// The person who wrote it.
    pub(super) author: Person,
    /// Who may read it.
    pub(super) visibility: FollowupVisibility,
    /// The text.
    #[schema(max_length = 20_000, example = "Vamos a su oficina esta tarde.")]
    pub(super) body: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// For a followup that came by mail: whether the entity's mail server did not verify that its author wrote it.
    /// `null` for a followup that did not come by mail.
    #[schema(example = json!(null))]
    unverified: Option<bool>,
    /// Identifier of the private followup that this one made public. Visible to staff only; omitted for other
    /// followups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    #[serde(rename = "source_followup_id")]
    published_from: Option<Uuid>,
    /// Whether the requester of the ticket can see it: a public followup, or one that a person in copy sent to the requester
    /// too.
    #[schema(example = true)]
    visible_to_requester: bool,
    /// Whether it came by mail from a person in copy, who is neither the requester nor staff. It is `private` until staff
    /// or the requester publish it; a requester sees it only if the person sent it to the requester too.
    #[schema(example = false)]
    from_copy: bool,
    /// Whether quoted text was left out of a message that came by mail: show `[…]` below the text. The whole message is at
    /// `GET /tickets/{ticket_id}/followups/{followup_id}/original`, for staff and the author.
    #[schema(example = false)]
    #[serde(rename = "shortened")]
    pub(super) is_cut: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = followups)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) ticket_id: i64,
    pub(super) visibility: FollowupVisibility,
    pub(super) body: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) unverified: Option<bool>,
    pub(super) published_from: Option<Uuid>,
    pub(super) from_copy: bool,
    /// A person in copy sent it to the requester too.
    pub(super) to_requester: bool,
    pub(super) is_cut: bool,
}

impl Row {
    pub(super) fn is_visible_to(&self, actor: &Actor) -> bool {
        actor.reads_private() || self.visibility == FollowupVisibility::Public || self.to_requester
    }
}

impl Followup {
    pub(super) fn shown_to(actor: &Actor, (row, author): (Row, Person)) -> Self {
        Followup {
            id: row.id,
            ticket_id: row.ticket_id,
            author,
            visibility: row.visibility,
            body: row.body,
            created_at: row.created_at,
            unverified: row.unverified,
            published_from: row.published_from.filter(|_| actor.reads_private()),
            visible_to_requester: row.visibility == FollowupVisibility::Public || row.to_requester,
            from_copy: row.from_copy,
            is_cut: row.is_cut,
        }
    }

    /// The followup of this ticket, if the caller may see it.
    pub(super) fn find(db: &mut PgConnection, actor: &Actor, ticket_id: i64, id: Uuid) -> Result<Self> {
        let found: (Row, Person) = followups::table
            .inner_join(users::table)
            .filter(followups::id.eq(id))
            .filter(followups::ticket_id.eq(ticket_id))
            .select((Row::as_select(), Person::as_select()))
            .first(db)?;
        if !found.0.is_visible_to(actor) {
            return Err(Problem::not_found());
        }
        Ok(Self::shown_to(actor, found))
    }

    pub(super) fn made(&self) -> Result<Answer> {
        Ok(Answer::created(format!("/api/v1/tickets/{}/followups/{}", self.ticket_id, self.id), self)?
            .version(self.id, 1))
    }
}

/// The visibility of a followup of this ticket that the caller may see.
///
/// # Errors
/// A 404 if there is none.
pub fn visible(db: &mut PgConnection, actor: &Actor, ticket_id: i64, id: Uuid) -> Result<FollowupVisibility> {
    Ok(Followup::find(db, actor, ticket_id, id)?.visibility)
}

/// The same, for a file to attach.
///
/// # Errors
/// A 409 for what a person in copy wrote: nothing is added to it, because its requester may see it.
pub fn open_to_files(
    db: &mut PgConnection,
    actor: &Actor,
    ticket_id: i64,
    id: Uuid,
) -> Result<FollowupVisibility> {
    let followup = Followup::find(db, actor, ticket_id, id)?;
    if followup.from_copy { Err(Problem::wrong_state("from_copy")) } else { Ok(followup.visibility) }
}

/// The followups with these ids that the caller may see.
pub fn by_ids(db: &mut PgConnection, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Followup>> {
    let found = followups::table.inner_join(users::table).filter(followups::id.eq_any(ids));
    let rows: Vec<(Row, Person)> = found.select((Row::as_select(), Person::as_select())).load(db)?;
    Ok(rows.into_iter().map(|found| Followup::shown_to(actor, found)).collect())
}
