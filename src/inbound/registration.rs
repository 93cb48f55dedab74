//! Registers the ticket that a message asks for.

use diesel::prelude::*;

use super::files::{Files, Trace, attach};
use super::links::with_hidden_tokens;
use super::message::{Reply, domain_of};
use super::outcome::{Outcome, Reading};
use super::public_providers::is_public_provider;
use super::senders::{self, Sender};
use super::words::{joined, words};
use super::{InboundEmailAuthentication, InboundEmailReason, sender_data, threads};
use crate::attachments::store::Owner;
use crate::auth::policy::Action;
use crate::config::Config;
use crate::http::Actor;
use crate::people;
use crate::people::callers::{self, KnownData};
use crate::problem::{Result, Text};
use crate::tickets::minimum_data::AnswerTime;
use crate::tickets::model::{Channel, TicketRow};
use crate::tickets::registration::Request;
use crate::tickets::relations;
use crate::tickets::requester::{Account, RequesterData};
use crate::tickets::steps::resubmit;
use crate::tickets::workflow::TicketStatus;

/// The subject of a ticket whose message has none.
pub static UNTITLED: Text = Text::new("(sin asunto)", "(no subject)");

/// How a ticket is registered.
pub struct Manner {
    /// A program sent the message.
    pub automatic: bool,
    /// The reception is confirmed by mail.
    pub acknowledged: bool,
}

/// The closed or archived ticket that a message replies to.
pub struct Ended {
    pub row: TicketRow,
    /// The new text of the message.
    pub reply: Reply,
}

pub fn register(
    tx: &mut PgConnection,
    config: &Config,
    sender: &Sender,
    reading: &Reading<'_>,
    files: &Files,
    (ended, manner): (Option<Ended>, Manner),
) -> Result<Outcome> {
    let message = reading.message;
    let actor = Actor::by_mail(tx, sender.id, Action::RegisterTicket, reading.origin, config.timezone)?;
    let data = sender_data::data_of(tx, message, ended.as_ref().map(|ended| &ended.reply))?;
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
    let written = match &ended {
        Some(ended) => ended.reply.marked(),
        None => message.text.clone(),
    };
    let ended = ended.map(|ended| ended.row);
    let written = with_hidden_tokens(&written);
    let subject = threads::own_subject(&with_hidden_tokens(&message.subject));
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
            None if subject.is_empty() => UNTITLED.in_locale(locale).to_owned(),
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
        automatic: manner.automatic,
        acknowledged: manner.acknowledged,
        reply_to: answer_address(tx, config, reading)?,
    };
    let account = match resubmitted {
        Some(row) => account.or_as_in(row),
        None => account,
    };
    let account = account.or(data);
    let row = request.register(tx, &actor, account)?;
    let id = row.id;
    attach(tx, &actor, id, (Owner::Ticket(id), Trace::Public), files)?;
    if let Some(ended) = ended {
        if again {
            resubmit::carry_over(tx, &actor, ended, &row)?;
        } else {
            relations::continues(tx, &actor, id, ended.id)?;
        }
    }
    Ok(Outcome::Ticket(id))
}

/// Where the author of a verified message wants answers: another address of the same domain, which is no account's.
fn answer_address(tx: &mut PgConnection, config: &Config, reading: &Reading<'_>) -> Result<Option<String>> {
    let (Some(from), Some(reply_to)) = (&reading.message.from, &reading.message.reply_to) else {
        return Ok(None);
    };
    let is_other = reply_to.address != from.address && !config.is_own_address(&reply_to.address);
    let may_be_used = reading.authentication == InboundEmailAuthentication::Aligned
        && domain_of(&reply_to.address) == domain_of(&from.address);
    if !is_other || !may_be_used || is_public_provider(&reply_to.address) {
        return Ok(None);
    }
    // Nobody else gets the links and answers for the author.
    let is_anothers = senders::has_account(tx, &reply_to.address)?;
    Ok((!is_anothers).then(|| reply_to.address.clone()))
}
