//! Processes a message.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use uuid::Uuid;

use super::answers::{self, Answered, Place};
use super::copies::{self, Copied};
use super::files::Files;
use super::message::{Automatic, Mailbox, Message};
use super::registration::{Ended, Manner, register};
use super::replies::{reopened, reply, reserved};
use super::senders::{self, Counted, Sender};
use super::words::new_words;
use super::{InboundEmailAuthentication, InboundEmailReason, programs, sender_data, threads, trust};
use crate::auth::no_address;
use crate::auth::policy::{Action, Role};
use crate::config::Config;
use crate::http::{Actor, MailOrigin};
use crate::problem::Result;
use crate::tickets::followups::Reserved;
use crate::tickets::workflow::{self, Step};

/// The processing state of an inbound message.
#[derive(Debug)]
pub enum Outcome {
    Ticket(i64),
    Followup(i64, Uuid),
    None(InboundEmailReason),
}

/// A message with the verdict of the mail server on its author, and what the history records of it.
pub struct Reading<'a> {
    pub message: &'a Message,
    pub authentication: InboundEmailAuthentication,
    pub origin: MailOrigin,
}

/// Creates a ticket or a followup from a message, or returns why none is created. A released message is accepted if
/// `trust::refusal` allows it.
pub fn decide(
    tx: &mut PgConnection,
    config: &Config,
    reading: &Reading<'_>,
    files: &Files,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    let Reading { message, authentication, origin } = *reading;
    let released = origin.released_by_id.is_some();
    let aligned = authentication == InboundEmailAuthentication::Aligned;
    // Staff release what is no answer of a program after all; a program that reports is never answered.
    let may_be_released = |kind: &Automatic| !matches!(kind, Automatic::Program | Automatic::List);
    let automatic = message.automatic.filter(|kind| !released || !may_be_released(kind));
    match automatic {
        Some(Automatic::Own) => return Ok(Outcome::None(InboundEmailReason::OwnMail)),
        Some(Automatic::Bounce) => return Ok(Outcome::None(InboundEmailReason::Bounce)),
        Some(Automatic::AutoReply) => return Ok(Outcome::None(InboundEmailReason::AutoReply)),
        Some(Automatic::List | Automatic::Program) | None => {}
    }
    let is_list = automatic == Some(Automatic::List);
    let from = message.from.as_ref().filter(|from| no_address::is_deliverable(&from.address));
    let Some(from) = from else { return Ok(Outcome::None(InboundEmailReason::SenderUnclear)) };
    // An account with this address would receive the mail of the desk as new messages.
    if config.is_own_address(&from.address) {
        return Ok(Outcome::None(InboundEmailReason::OwnAddress));
    }
    let sender = senders::find(tx, &from.address)?;
    let is_staff = sender.as_ref().is_some_and(|sender| sender.role != Role::Requester);
    if let Some(reason) = trust::refusal(config.mail_trust, authentication, is_staff, released) {
        return Ok(Outcome::None(reason));
    }
    if sender.as_ref().is_some_and(|sender| !sender.active) {
        return Ok(Outcome::None(InboundEmailReason::SenderInactive));
    }
    // A person is told of a request in their name, unless the mail server verified that a program sent it for them.
    let is_person = !aligned && sender.as_ref().is_some_and(|sender| sender.has_password);
    if automatic == Some(Automatic::Program) && !is_person {
        return of_program(tx, config, (sender, from), reading, files, at);
    }
    let is_over_limit = !released
        && senders::within_the_hour(tx, &from.address, Counted::All, aligned, at)?
            >= config.mail_sender_limit;
    let named = if is_staff { None } else { answers::in_the_name_of(tx, &from.address, reading)? };
    let sender = named.or(sender);
    let answered = match &sender {
        Some(sender) => answers::answered(tx, config, sender, reading)?,
        None => None,
    };
    if let Some(Answered { actor, row, place }) = answered.as_ref()
        && workflow::allows(row.status, row.resumes_to, Step::Followup)
    {
        let (actor, row) = (actor.clone(), row.clone());
        // Ends a loop of two programs that answer each other through a ticket.
        let often = senders::within_the_hour(tx, &from.address, Counted::About(row.id), aligned, at)?;
        let tells = released || often < config.mail_sender_limit;
        let Some(sender) = sender.as_ref().filter(|_| *place == Place::Own) else {
            let written = new_words(tx, message, (row.id, Some(actor.id)))?;
            return reserved(tx, &actor, row, (Reserved::Merged, tells), &written, files);
        };
        let written = new_words(tx, message, (row.id, Some(sender.id)))?;
        let thanks = files.kept.is_empty() && answers::thanks(tx, config, &row, &written)?;
        // A list may forward what a person wrote.
        let row = if is_list || thanks { row } else { reopened(tx, &actor, row, origin)? };
        let row = sender_data::completed(tx, &actor, sender, row, (reading, &written))?;
        return reply(tx, &actor, row, tells, &written, files);
    }
    // Otherwise every member of a list would get an account.
    if is_list && sender.is_none() && !released {
        return Ok(Outcome::None(InboundEmailReason::MailingList));
    }
    if is_over_limit {
        return Ok(Outcome::None(InboundEmailReason::SenderLimit));
    }
    let copied = if answered.is_none() { copies::of(tx, message, &from.address)? } else { None };
    let ended = match (&answered, &copied) {
        (Some(Answered { row, .. }), _) | (None, Some(Copied::Ended(row))) => {
            let author_id = sender.as_ref().map(|sender| sender.id);
            Some(Ended { row: row.clone(), reply: new_words(tx, message, (row.id, author_id))? })
        }
        (None, Some(Copied::Open { .. }) | None) => None,
    };
    if let Some(Ended { row, reply }) = &ended
        && files.kept.is_empty()
        && answers::thanks(tx, config, row, reply)?
    {
        return Ok(Outcome::None(InboundEmailReason::Thanks));
    }
    let Some(sender) = known_or_new(tx, config, (sender, from), message, released, at)? else {
        return Ok(Outcome::None(InboundEmailReason::TooManyStrangers));
    };
    if let Some(Copied::Open { row, to_requester }) = copied {
        let actor = Actor::by_mail(tx, sender.id, Action::AddPublicFollowup, origin, config.timezone)?;
        let written = new_words(tx, message, (row.id, Some(sender.id)))?;
        return reserved(tx, &actor, row, (Reserved::Copy { to_requester }, true), &written, files);
    }
    let manner = Manner { automatic: false, acknowledged: !is_list || is_person };
    register(tx, config, &sender, reading, files, (ended, manner))
}

/// The account of the sender, created for an unknown one; `None` if there were too many of them.
fn known_or_new(
    tx: &mut PgConnection,
    config: &Config,
    (sender, from): (Option<Sender>, &Mailbox),
    message: &Message,
    released: bool,
    at: DateTime<Utc>,
) -> Result<Option<Sender>> {
    let is_program = message.automatic == Some(Automatic::Program);
    match sender {
        Some(sender) => Ok(Some(sender)),
        None if !released && senders::new_within_the_hour(tx, at)? >= config.mail_stranger_limit => Ok(None),
        None => senders::open(tx, from, is_program, at).map(Some),
    }
}

/// A message of a program is a ticket, or a followup of the open one that it repeats. One that answers mail of the desk is
/// ignored, so that two desks do not answer each other.
fn of_program(
    tx: &mut PgConnection,
    config: &Config,
    (sender, from): (Option<Sender>, &Mailbox),
    reading: &Reading<'_>,
    files: &Files,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    let released = reading.origin.released_by_id.is_some();
    let aligned = reading.authentication == InboundEmailAuthentication::Aligned;
    if !released && threads::answers_the_desk(tx, reading.message)? {
        return Ok(Outcome::None(InboundEmailReason::AutoReply));
    }
    if let Some(sender) = &sender
        && let Some(row) = programs::repeated(tx, config, (sender.id, aligned), reading.message, at)?
    {
        let actor =
            Actor::by_mail(tx, sender.id, Action::AddPublicFollowup, reading.origin, config.timezone)?;
        let written = new_words(tx, reading.message, (row.id, Some(sender.id)))?;
        return reply(tx, &actor, row, false, &written, files);
    }
    let tickets = senders::within_the_hour(tx, &from.address, Counted::Tickets, aligned, at)?;
    if !released && tickets >= config.mail_sender_limit {
        return Ok(Outcome::None(InboundEmailReason::SenderLimit));
    }
    let Some(sender) = known_or_new(tx, config, (sender, from), reading.message, released, at)? else {
        return Ok(Outcome::None(InboundEmailReason::TooManyStrangers));
    };
    let manner = Manner { automatic: true, acknowledged: false };
    register(tx, config, &sender, reading, files, (None, manner))
}
