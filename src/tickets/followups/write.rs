//! Adds followups to a ticket whose row is locked.

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::entry::{Followup, FollowupVisibility, Row};
use crate::audit::kind::EventKind;
use crate::db::schema::followups;
use crate::http::Actor;
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::tickets::information::{self, AnsweredBy};
use crate::tickets::model::TicketRow;
use crate::tickets::steps::Case;

/// A text that came by mail.
pub struct Mailed {
    pub body: String,
    /// Quoted text was left out.
    pub is_cut: bool,
}

/// Why a followup that came by mail is private.
#[derive(Clone, Copy, PartialEq)]
pub enum Reserved {
    /// Its author's own ticket was merged into this one, or staff answer the notice of a private followup.
    Merged,
    /// Its author was in copy.
    Copy {
        /// They sent it to the requester too.
        to_requester: bool,
    },
}

impl Row {
    pub(super) fn new(case: &Case<'_>, visibility: FollowupVisibility, body: String) -> Self {
        Row {
            id: Uuid::now_v7(),
            ticket_id: case.ticket.id,
            visibility,
            body,
            created_at: case.now,
            unverified: None,
            published_from: None,
            from_copy: false,
            to_requester: false,
            is_cut: false,
        }
    }
}

/// Writes a followup by the caller to a ticket whose row is locked. If it is public and `tells` is set, a message is
/// queued for the other side; a followup by the requester ends the wait for information.
pub fn write_and_tell(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    visibility: FollowupVisibility,
    words: Mailed,
    tells: bool,
) -> Result<Followup> {
    let mut case = Case::open(tx, row, actor);
    let followup = Row {
        unverified: actor.mail.map(|mail| mail.unverified),
        is_cut: words.is_cut,
        ..Row::new(&case, visibility, words.body)
    };
    case.note_mail(actor);
    write(&mut case, actor.id, &followup)?;
    if tells {
        notify(&mut case, actor.id, &followup);
    }
    let row = case.record(EventKind::FollowupAdded)?;
    if visibility == FollowupVisibility::Public {
        information::answered(tx, row, actor, AnsweredBy::Followup, tells)?;
    }
    Ok(Followup::shown_to(actor, (followup, actor.person())))
}

/// Writes a private followup that came by mail. Tells its assignee if `tells` is set. The ticket's row must be locked.
pub fn write_reserved(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    (words, reserved): (Mailed, Reserved),
    tells: bool,
) -> Result<Followup> {
    let mut case = Case::open(tx, row, actor);
    let followup = Row {
        unverified: actor.mail.map(|mail| mail.unverified),
        is_cut: words.is_cut,
        from_copy: matches!(reserved, Reserved::Copy { .. }),
        to_requester: reserved == Reserved::Copy { to_requester: true },
        ..Row::new(&case, FollowupVisibility::Private, words.body)
    };
    case.note_mail(actor);
    write(&mut case, actor.id, &followup)?;
    if let Some(assignee) = case.ticket.assignee_id.filter(|assignee| tells && *assignee != actor.id) {
        case.notify(MessageKind::Followup, assignee, json!({"followup_id": followup.id, "private": true}));
    }
    case.record(EventKind::FollowupAdded)?;
    Ok(Followup::shown_to(actor, (followup, actor.person())))
}

/// Writes a public followup that belongs to a step. No message is queued for it, because the message of the step
/// includes it. Returns its id.
pub fn write_public(case: &mut Case<'_>, author_id: Uuid, body: String) -> Result<Uuid> {
    let row = Row::new(case, FollowupVisibility::Public, body);
    write(case, author_id, &row)?;
    Ok(row.id)
}

pub(super) fn write(case: &mut Case<'_>, author_id: Uuid, row: &Row) -> Result<()> {
    diesel::insert_into(followups::table)
        .values((
            followups::id.eq(row.id),
            followups::ticket_id.eq(row.ticket_id),
            followups::author_id.eq(author_id),
            followups::visibility.eq(row.visibility),
            followups::body.eq(&row.body),
            followups::created_at.eq(row.created_at),
            followups::unverified.eq(row.unverified),
            followups::published_from.eq(row.published_from),
            followups::from_copy.eq(row.from_copy),
            followups::to_requester.eq(row.to_requester),
            followups::is_cut.eq(row.is_cut),
        ))
        .execute(case.tx)?;
    case.details.followup_id = Some(row.id);
    case.details.visibility = Some(row.visibility);
    if row.visibility == FollowupVisibility::Public {
        case.touch();
    }
    Ok(())
}

/// Queues a public followup for the requester, or for the assignee if the requester wrote it.
pub(super) fn notify(case: &mut Case<'_>, author_id: Uuid, row: &Row) {
    if row.visibility == FollowupVisibility::Private {
        return;
    }
    let data = json!({"followup_id": row.id});
    if author_id != case.ticket.requester_id {
        case.notify(MessageKind::Followup, case.ticket.requester_id, data);
    } else if let Some(assignee) = case.ticket.assignee_id {
        case.notify(MessageKind::Followup, assignee, data);
    }
}
