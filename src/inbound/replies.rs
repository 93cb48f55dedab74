//! Adds a message to a ticket as a followup.

use diesel::PgConnection;

use super::files::{Files, Trace, attach};
use super::message::Reply;
use super::outcome::Outcome;
use super::words::mailed;
use crate::attachments::store::Owner;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, MailOrigin};
use crate::language::locale::Locale;
use crate::people;
use crate::problem::Result;
use crate::tickets::followups::{self, FollowupVisibility, Reserved};
use crate::tickets::model::TicketRow;
use crate::tickets::steps::{Case, reopen};
use crate::tickets::workflow::{self, Step};

/// If the requester of a solved ticket answers, the ticket is reopened.
pub fn reopened(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    origin: MailOrigin,
) -> Result<TicketRow> {
    if row.requester_id != actor.id || !workflow::allows(row.status, row.resumes_to, Step::Reopen) {
        return Ok(row);
    }
    let actor = Actor::by_mail(tx, actor.id, Action::Reopen, origin, actor.timezone)?;
    let mut case = Case::open(tx, row, &actor);
    case.note_mail(&actor);
    reopen::open_again(&mut case, None)?;
    case.record(EventKind::Reopened)
}

/// `tells`: whether the other side is notified.
pub fn reply(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    tells: bool,
    written: &Reply,
    files: &Files,
) -> Result<Outcome> {
    let ticket_id = row.id;
    let locale = people::users::locale(tx, actor.id)?;
    let words = mailed(written, files, locale);
    let followup = followups::write_and_tell(tx, actor, row, FollowupVisibility::Public, words, tells)?;
    let owner = Owner::Followup { ticket_id, id: followup.id };
    attach(tx, actor, ticket_id, (owner, Trace::Public), files)?;
    Ok(Outcome::Followup(ticket_id, followup.id))
}

/// A reply that its requester must not see: a private followup.
pub fn reserved(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    (reserved, tells): (Reserved, bool),
    written: &Reply,
    files: &Files,
) -> Result<Outcome> {
    let ticket_id = row.id;
    let words = mailed(written, files, Locale::Es);
    let followup = followups::write_reserved(tx, actor, row, (words, reserved), tells)?;
    let owner = Owner::Followup { ticket_id, id: followup.id };
    attach(tx, actor, ticket_id, (owner, Trace::Private), files)?;
    Ok(Outcome::Followup(ticket_id, followup.id))
}
