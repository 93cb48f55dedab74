//! The data of its author that a message gives, for the account and for a ticket that lacks them.

use diesel::prelude::*;
use uuid::Uuid;

use super::InboundEmailAuthentication;
use super::message::{Message, Reply};
use super::outcome::Reading;
use super::requester_data::{RequesterData, Unit, is_full_name};
use super::senders::Sender;
use crate::audit::kind::EventKind;
use crate::db::schema::units;
use crate::http::Actor;
use crate::people::callers::{self, KnownData, PersonData};
use crate::people::user::Contact;
use crate::problem::Result;
use crate::tickets::minimum_data;
use crate::tickets::model::TicketRow;
use crate::tickets::steps::Case;

/// The data of its author that a message gives. What the author forwards belongs to others.
///
/// `reply`: its new text, if it replies to a ticket.
pub fn data_of(tx: &mut PgConnection, message: &Message, reply: Option<&Reply>) -> Result<PersonData> {
    let units: Vec<(Uuid, String)> =
        units::table.filter(units::active).order(units::id).select((units::id, units::name)).load(tx)?;
    let known: Vec<Unit> = units.iter().map(|(_, name)| Unit::new(name)).collect();
    let text = match (message.is_forward, reply) {
        (true, _) => "",
        (false, Some(reply)) => &reply.text,
        (false, None) if message.answers.is_empty() => &message.text,
        (false, None) => &message.reply.text,
    };
    // Quoted lines may have the data of others.
    let own: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    let read = RequesterData::read(&own.join("\n"), &known);
    let display_name = message.from.as_ref().and_then(|from| from.name.clone());
    Ok(PersonData {
        full_name: read.full_name.or(display_name.filter(|name| is_full_name(name))),
        document_id: read.document_id,
        contact: Contact { landline: read.landline, extension: read.extension, mobile: read.mobile },
        unit: read.unit.and_then(|index| units.into_iter().nth(index)),
    })
}

/// Whether data from mail are kept in the account of its author: in one that can sign in only if the mail server
/// verified the author.
pub fn may_keep(sender: &Sender, authentication: InboundEmailAuthentication) -> bool {
    !sender.has_password || authentication == InboundEmailAuthentication::Aligned
}

/// Fills the minimum data that the ticket lacks with those of its requester's answer.
pub fn completed(
    tx: &mut PgConnection,
    actor: &Actor,
    sender: &Sender,
    row: TicketRow,
    (reading, reply): (&Reading<'_>, &Reply),
) -> Result<TicketRow> {
    if row.requester_id != sender.id || minimum_data::missing(&row).is_empty() {
        return Ok(row);
    }
    let data = data_of(tx, reading.message, Some(reply))?;
    if may_keep(sender, reading.authentication) {
        let known = KnownData { is_declared: true, ..data.known() };
        callers::complete(tx, sender.id, &known, actor.now)?;
    }
    let mut case = Case::open(tx, row, actor);
    case.note_mail(actor);
    if minimum_data::complete(&mut case.ticket, &data) {
        return case.record(EventKind::Changed);
    }
    Ok(case.ticket)
}
