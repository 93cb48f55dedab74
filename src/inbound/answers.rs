//! The ticket that a message replies to, and whether the reply only thanks.

use diesel::prelude::*;
use uuid::Uuid;

use super::message::{Message, Reply};
use super::outcome::Reading;
use super::senders::{self, Sender};
use super::thanks::only_thanks;
use super::{InboundEmailAuthentication, threads};
use crate::auth::policy::{Action, Role};
use crate::config::Config;
use crate::db::schema::{messages, tickets};
use crate::http::Actor;
use crate::people;
use crate::problem::Result;
use crate::tickets::model::{ArchiveReason, TicketRow};
use crate::tickets::workflow::{self, Step, TicketStatus};
use crate::tickets::{merged, store};

/// The ticket that a message replies to.
pub struct Answered {
    pub actor: Actor,
    pub row: TicketRow,
    pub place: Place,
}

/// Whose ticket a message replies to.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// The sender's own, or the sender is staff.
    Own,
    /// That of another requester, into which the sender's own was merged; or staff answer the notice of a private followup.
    Private,
}

/// The ticket that a message replies to, if its sender is its requester or staff. A ticket that was merged stands for the
/// one that it was merged into, unless that one has ended.
pub fn answered(
    tx: &mut PgConnection,
    config: &Config,
    sender: &Sender,
    reading: &Reading<'_>,
) -> Result<Option<Answered>> {
    let candidates = threads::candidates(tx, reading.message)?;
    if candidates.is_empty() {
        return Ok(None);
    }
    let theirs = tickets::table.filter(tickets::id.eq_any(&candidates)).into_boxed();
    let theirs = match sender.role {
        Role::Requester => theirs.filter(tickets::requester_id.eq(sender.id)),
        Role::Technician | Role::Professional | Role::Director => theirs,
    };
    let theirs: Vec<i64> = theirs.select(tickets::id).load(tx)?;
    let Some(id) = candidates.into_iter().find(|id| theirs.contains(id)) else { return Ok(None) };
    let actor = Actor::by_mail(tx, sender.id, Action::AddPublicFollowup, reading.origin, config.timezone)?;
    let row = store::lock(tx, &actor, id)?;
    if row.archive_reason == Some(ArchiveReason::Duplicate)
        && let Some(target) = merged::merged_into(tx, row.id)?
    {
        let target: TicketRow =
            tickets::table.find(target).select(TicketRow::as_select()).for_update().get_result(tx)?;
        if workflow::allows(target.status, target.resumes_to, Step::Followup) {
            let is_own = sender.role != Role::Requester || target.requester_id == sender.id;
            let place = if is_own { Place::Own } else { Place::Private };
            return Ok(Some(Answered { actor, row: target, place }));
        }
    }
    let is_private = sender.role != Role::Requester && answers_private(tx, reading.message)?;
    let place = if is_private { Place::Private } else { Place::Own };
    Ok(Some(Answered { actor, row, place }))
}

/// The requester of the ticket that a message replies to, if its author is verified and writes from the address at which the
/// requester wanted to be answered.
pub fn in_the_name_of(tx: &mut PgConnection, address: &str, reading: &Reading<'_>) -> Result<Option<Sender>> {
    if reading.authentication != InboundEmailAuthentication::Aligned {
        return Ok(None);
    }
    let answered = threads::answered(tx, reading.message)?;
    let theirs = tickets::table.filter(tickets::id.eq_any(answered)).filter(tickets::reply_to.eq(address));
    let requester: Option<Uuid> = theirs.select(tickets::requester_id).first(tx).optional()?;
    match requester {
        Some(id) => senders::active(tx, id),
        None => Ok(None),
    }
}

/// Whether a message replies to the notice of a private followup.
fn answers_private(tx: &mut PgConnection, message: &Message) -> Result<bool> {
    let own: Vec<Uuid> = message.answers.iter().filter_map(|id| id.split('@').next()?.parse().ok()).collect();
    let private = messages::table
        .filter(messages::id.eq_any(own))
        .filter(messages::data.retrieve_as_text("private").eq("true"));
    Ok(diesel::select(diesel::dsl::exists(private)).get_result(tx)?)
}

/// Whether the requester of a ticket that is solved or has ended only thanks.
pub fn thanks(tx: &mut PgConnection, config: &Config, row: &TicketRow, reply: &Reply) -> Result<bool> {
    use TicketStatus::{Archived, Closed, Solved};
    if !matches!(row.status, Solved | Closed | Archived) {
        return Ok(false);
    }
    let staff = people::person::by_id(tx, row.assignee_id.into_iter().chain(row.solved_by_id))?;
    let own = [
        Some(&row.requester_full_name),
        row.requester_unit_name.as_ref(),
        row.requester_document_id.as_ref(),
        row.requester_landline.as_ref(),
        row.requester_extension.as_ref(),
        row.requester_mobile.as_ref(),
        Some(&config.entity.name),
    ];
    let known = own.into_iter().flatten().chain(staff.values().map(|person| &person.full_name));
    Ok(only_thanks(&reply.text, known.map(String::as_str)))
}
