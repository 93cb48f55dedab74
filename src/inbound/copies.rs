//! Replies of people who are neither the requester of a ticket nor staff, but were in copy of the mail about it.

use diesel::prelude::*;

use super::message::{Message, domain_of};
use super::public_providers::is_public_provider;
use super::threads;
use crate::db::schema::{inbound_emails as emails, tickets};
use crate::problem::Result;
use crate::tickets::merged;
use crate::tickets::model::TicketRow;
use crate::tickets::workflow::{self, Step};

/// What a reply of a person in copy belongs to.
pub enum Copied {
    /// An open ticket, whose row is locked. `to_requester`: they sent the reply to its requester too.
    Open { row: TicketRow, to_requester: bool },
    /// A ticket that has ended.
    Ended(TicketRow),
}

/// The ticket of the thread that a message replies to, if its author takes part in it: a message of the thread was sent to
/// them, or they write from the domain of the requester, which is not that of a public mail provider. The number in a subject is
/// not sufficient, since everybody can write one.
pub fn of(tx: &mut PgConnection, message: &Message, address: &str) -> Result<Option<Copied>> {
    for id in threads::answered(tx, message)? {
        let row: Option<TicketRow> =
            tickets::table.find(id).select(TicketRow::as_select()).get_result(tx).optional()?;
        let Some(row) = row else { continue };
        let was_copied = emails::table
            .filter(emails::ticket_id.eq(row.id))
            .filter(emails::recipients.contains(vec![address.to_owned()]));
        let is_copied: bool = diesel::select(diesel::dsl::exists(was_copied)).get_result(tx)?;
        let is_colleague =
            domain_of(&row.requester_email) == domain_of(address) && !is_public_provider(address);
        if !is_copied && !is_colleague {
            continue;
        }
        let target = merged::merged_into(tx, row.id)?.unwrap_or(row.id);
        let row: TicketRow =
            tickets::table.find(target).select(TicketRow::as_select()).for_update().get_result(tx)?;
        if !workflow::allows(row.status, row.resumes_to, Step::Followup) {
            return Ok(Some(Copied::Ended(row)));
        }
        // After a merge the requester of the other ticket was not addressed.
        let requester = row.requester_email.to_lowercase();
        let to_requester = target == id && message.recipients.contains(&requester);
        return Ok(Some(Copied::Open { row, to_requester }));
    }
    Ok(None)
}
