//! Processes a message.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::answers::{self, Answered, Place};
use super::files::Files;
use super::links::without_password_links;
use super::message::{Automatic, Message};
use super::sender_data;
use super::senders::{self, Sender};
use super::{InboundEmailAuthentication, InboundEmailReason, threads, trust};
use crate::attachments::store::{Owner, insert_all};
use crate::audit::kind::EventKind;
use crate::auth::no_address;
use crate::auth::policy::{Action, Role};
use crate::config::Config;
use crate::db::schema::tickets;
use crate::http::{Actor, MailOrigin};
use crate::language::locale::Locale;
use crate::people;
use crate::people::callers::{self, KnownData};
use crate::problem::{Result, Text};
use crate::tickets::followups::{self, FollowupVisibility};
use crate::tickets::minimum_data::AnswerTime;
use crate::tickets::model::{Channel, TicketRow};
use crate::tickets::register::{Account, Request, RequesterData};
use crate::tickets::relations;
use crate::tickets::steps::{Case, reopen, resubmit};
use crate::tickets::workflow::{self, Step, TicketStatus};

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

/// The longest description of a ticket, or body of a followup, in characters. A longer text is also kept as a file.
pub const LONGEST: usize = 20_000;

/// The maximum number of rejected files that are named individually.
const NAMED: usize = 10;

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
    // A list may forward what a person wrote: a reply is accepted, and nothing else.
    let mut only_reply = None;
    if !released {
        match message.automatic {
            Some(Automatic::Own) => return Ok(Outcome::None(InboundEmailReason::OwnMail)),
            Some(Automatic::Bounce) => return Ok(Outcome::None(InboundEmailReason::Bounce)),
            Some(Automatic::AutoReply) => return Ok(Outcome::None(InboundEmailReason::AutoReply)),
            Some(Automatic::List) => only_reply = Some(InboundEmailReason::MailingList),
            None => {}
        }
    }
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
    if !released
        && senders::within_the_hour(tx, &from.address, None, aligned, at)? >= config.mail_sender_limit
    {
        only_reply = Some(InboundEmailReason::SenderLimit);
    }
    let answered = match &sender {
        Some(sender) => answers::answered(tx, config, sender, reading)?,
        None => None,
    };
    match (answered, only_reply) {
        (Some(Answered { actor, row, place }), _)
            if workflow::allows(row.status, row.resumes_to, Step::Followup) =>
        {
            // Ends a loop of two programs that answer each other through a ticket.
            let often = senders::within_the_hour(tx, &from.address, Some(row.id), aligned, at)?;
            let tells = released || often < config.mail_sender_limit;
            match (place, &sender) {
                (Place::Own, Some(sender)) => {
                    let thanks = files.kept.is_empty() && answers::thanks(tx, config, &row, message)?;
                    let is_list = only_reply == Some(InboundEmailReason::MailingList);
                    let row = match !is_list && !thanks {
                        true => reopened(tx, &actor, row, origin)?,
                        false => row,
                    };
                    let row = sender_data::completed(tx, &actor, sender, row, reading)?;
                    reply(tx, &actor, row, tells, message, files)
                }
                _ => reply_of_other(tx, &actor, row, tells, message, files),
            }
        }
        (_, Some(reason)) => Ok(Outcome::None(reason)),
        (Some(Answered { row, .. }), None)
            if files.kept.is_empty() && answers::thanks(tx, config, &row, message)? =>
        {
            Ok(Outcome::None(InboundEmailReason::Thanks))
        }
        (answered, None) => {
            let sender = match sender {
                Some(sender) => sender,
                None if !released && senders::new_within_the_hour(tx, at)? >= config.mail_stranger_limit => {
                    return Ok(Outcome::None(InboundEmailReason::TooManyStrangers));
                }
                None => senders::open(tx, from, at)?,
            };
            let ended = answered.map(|answered| answered.row);
            register(tx, config, &sender, reading, files, ended)
        }
    }
}

/// If the requester of a solved ticket answers, the ticket is reopened.
fn reopened(tx: &mut PgConnection, actor: &Actor, row: TicketRow, origin: MailOrigin) -> Result<TicketRow> {
    if row.requester_id != actor.id || !workflow::allows(row.status, row.resumes_to, Step::Reopen) {
        return Ok(row);
    }
    let actor = Actor::by_mail(tx, actor.id, Action::Reopen, origin, actor.timezone)?;
    let mut case = Case::open(tx, row, &actor);
    case.note_mail(&actor);
    reopen::apply(&mut case, None)?;
    case.record(EventKind::Reopened)
}

/// `tells`: whether the other side is notified.
fn reply(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    tells: bool,
    message: &Message,
    files: &Files,
) -> Result<Outcome> {
    let ticket_id = row.id;
    let locale = people::users::locale(tx, actor.id)?;
    let body = words(&without_password_links(tx, &message.reply)?, files, locale);
    let followup = followups::write_and_tell(tx, actor, row, FollowupVisibility::Public, body, tells)?;
    attach(tx, actor, Owner::Followup { ticket_id, id: followup.id }, ticket_id, files)?;
    Ok(Outcome::Followup(ticket_id, followup.id))
}

/// A reply to a ticket that was merged into that of another requester: a private followup there, because the other
/// requester must not see it.
fn reply_of_other(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    tells: bool,
    message: &Message,
    files: &Files,
) -> Result<Outcome> {
    let ticket_id = row.id;
    let body = words(&without_password_links(tx, &message.reply)?, files, Locale::Es);
    let followup = followups::write_of_merged(tx, actor, row, body, tells)?;
    attach_to(tx, actor, Owner::Followup { ticket_id, id: followup.id }, ticket_id, files, Trace::Private)?;
    Ok(Outcome::Followup(ticket_id, followup.id))
}

/// `ended`: the closed or archived ticket that it replies to.
fn register(
    tx: &mut PgConnection,
    config: &Config,
    sender: &Sender,
    reading: &Reading<'_>,
    files: &Files,
    ended: Option<TicketRow>,
) -> Result<Outcome> {
    let message = reading.message;
    let actor = Actor::by_mail(tx, sender.id, Action::RegisterTicket, reading.origin, config.timezone)?;
    let data = sender_data::data_of(tx, message)?;
    if sender_data::may_keep(sender, reading.authentication) {
        let known = KnownData { is_declared: true, ..data.known() };
        callers::complete(tx, sender.id, &known, actor.now)?;
    }
    let Some(account) = Account::active(tx, sender.id)? else {
        return Ok(Outcome::None(InboundEmailReason::SenderInactive));
    };
    if account.ended_contract(&actor).is_some() {
        return Ok(Outcome::None(InboundEmailReason::ContractEnded));
    }
    let locale = people::users::locale(tx, sender.id)?;
    // The quoted text is in the ticket that it replies to.
    let written = if ended.is_some() { &message.reply } else { &message.text };
    let written = without_password_links(tx, written)?;
    let subject = threads::own_subject(&message.subject);
    let untitled = Text::new("(sin asunto)", "(no subject)");
    let described = words(&written, files, locale);
    // The requester's archived request is resubmitted, once.
    let again = match &ended {
        Some(row) if row.status == TicketStatus::Archived && row.requester_id == sender.id => {
            resubmit::resubmitted_as(tx, row.id)?.is_none()
        }
        _ => false,
    };
    let resubmitted = ended.as_ref().filter(|_| again);
    let request = Request {
        // What the archived request said; its answer completes it.
        subject: match resubmitted {
            Some(row) => row.subject.clone(),
            None if subject.is_empty() => untitled.in_locale(locale).to_owned(),
            None => subject,
        },
        description: match resubmitted {
            Some(row) => joined(&row.description, &described),
            None => described,
        },
        category_id: resubmitted.and_then(|row| row.category_id),
        channel: Some(Channel::Email),
        requester: RequesterData::default(),
        resubmission_of: resubmitted.map(|row| row.id),
        within: AnswerTime { days: config.information_days },
        provisional: config.provisional_criticality,
    };
    let account = match resubmitted {
        Some(row) => account.or_as_in(row),
        None => account,
    };
    let account = account.or(data);
    let row = request.register(tx, &actor, account)?;
    let id = row.id;
    attach(tx, &actor, Owner::Ticket(id), id, files)?;
    if let Some(ended) = ended {
        if again {
            resubmit::carry_over(tx, &actor, ended, &row)?;
        } else {
            relations::continues(tx, &actor, id, ended.id)?;
        }
    }
    Ok(Outcome::Ticket(id))
}

/// Whether the ticket shows that files were attached.
#[derive(Clone, Copy, PartialEq)]
enum Trace {
    Public,
    Private,
}

/// The stored files, as attachments of a ticket or of a followup, with one event for all.
fn attach(tx: &mut PgConnection, actor: &Actor, owner: Owner, ticket_id: i64, files: &Files) -> Result<()> {
    attach_to(tx, actor, owner, ticket_id, files, Trace::Public)
}

fn attach_to(
    tx: &mut PgConnection,
    actor: &Actor,
    owner: Owner,
    ticket_id: i64,
    files: &Files,
    trace: Trace,
) -> Result<()> {
    if files.kept.is_empty() {
        return Ok(());
    }
    let row: TicketRow =
        tickets::table.find(ticket_id).select(TicketRow::as_select()).for_update().first(tx)?;
    let mut case = Case::open(tx, row, actor);
    case.note_mail(actor);
    let ids = insert_all(case.tx, actor.id, owner, &files.kept, case.now)?;
    case.details.attachment_ids = Some(ids);
    case.details.file_names = Some(files.kept.iter().map(|file| file.file_name.clone()).collect());
    if trace == Trace::Public {
        case.touch();
    }
    case.record(EventKind::FileAttached)?;
    Ok(())
}

/// The archived request and what its requester wrote since, within the longest description.
fn joined(before: &str, since: &str) -> String {
    let room = LONGEST.saturating_sub(since.chars().count() + 2);
    let before: String = before.chars().take(room).collect();
    format!("{before}\n\n{since}").trim().to_owned()
}

/// The text, followed by the names of the files that were not accepted.
fn words(written: &str, files: &Files, locale: Locale) -> String {
    let empty = Text::new("(sin texto)", "(no text)");
    let written = written.trim();
    let mut words = if written.is_empty() { empty.in_locale(locale).to_owned() } else { written.to_owned() };
    let below = refused(files, locale);
    let room = LONGEST.saturating_sub(below.chars().count());
    if words.chars().count() > room {
        words = words.chars().take(room.saturating_sub(2)).collect();
        words.push_str(" …");
    }
    words.push_str(&below);
    words
}

fn refused(files: &Files, locale: Locale) -> String {
    let mut lines = String::new();
    for file in files.refused.iter().take(NAMED) {
        let name: String = file.name.chars().take(150).collect();
        let why = file.why.in_locale(locale);
        lines.push_str(&match locale {
            Locale::Es => format!("\n\n[No se adjuntó «{name}»: {why}]"),
            Locale::En => format!("\n\n[“{name}” was not attached: {why}]"),
        });
    }
    let more = files.refused.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push_str(&match locale {
            Locale::Es => format!("\n\n[No se adjuntaron otros {more} archivos]"),
            Locale::En => format!("\n\n[{more} other files were not attached]"),
        });
    }
    lines
}
