//! Identifies the sender of a message.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use icu_normalizer::ComposingNormalizerBorrowed;
use uuid::Uuid;

use super::InboundEmailAuthentication;
use super::message::Mailbox;
use super::requester_data::{is_blank_letter, is_full_name};
use crate::auth::person::PersonKind;
use crate::auth::policy::Role;
use crate::db::Literal;
use crate::db::schema::{inbound_emails as emails, messages, tickets, users};
use crate::outbox::MessageKind;
use crate::people::user::UNNAMED;
use crate::problem::Result;

diesel::define_sql_function! { fn lower(text: Text) -> Text; }
diesel::define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt; }
diesel::define_sql_function! { fn pg_advisory_xact_lock(key: BigInt); }

/// A sender, by account if there is one.
pub struct Sender {
    pub id: Uuid,
    pub role: Role,
    pub active: bool,
    pub has_password: bool,
}

/// The account with this address. Until the transaction ends, no other message from the address is processed, and the
/// account keeps its role.
pub fn find(tx: &mut PgConnection, address: &str) -> Result<Option<Sender>> {
    diesel::select(pg_advisory_xact_lock(hashtextextended(format!("mail from {address}"), 0))).execute(tx)?;
    let found: Option<(Uuid, Role, bool, bool)> = users::table
        .filter(lower(users::email).eq(lower(address)))
        .filter(users::account_kind.eq(PersonKind::Person))
        .select((users::id, users::role, users::active, users::password_hash.is_not_null()))
        .for_share()
        .first(tx)
        .optional()?;
    Ok(found.map(|(id, role, active, has_password)| Sender { id, role, active, has_password }))
}

/// Whether an account has this address.
pub fn has_account(tx: &mut PgConnection, address: &str) -> Result<bool> {
    let with_address = users::table.filter(lower(users::email).eq(lower(address)));
    Ok(diesel::select(exists(with_address)).get_result(tx)?)
}

/// The active account with this id.
pub fn active(tx: &mut PgConnection, id: Uuid) -> Result<Option<Sender>> {
    let found: Option<(Role, bool)> = users::table
        .find(id)
        .filter(users::active)
        .select((users::role, users::password_hash.is_not_null()))
        .for_share()
        .get_result(tx)
        .optional()?;
    Ok(found.map(|(role, has_password)| Sender { id, role, active: true, has_password }))
}

/// Creates an account for an unknown sender: it has no password, so no one can sign in with it, and none of the data
/// that a request needs. It is named only by a name that can be that of a person, or by that of a program.
pub fn open(tx: &mut PgConnection, from: &Mailbox, is_program: bool, at: DateTime<Utc>) -> Result<Sender> {
    let id = Uuid::now_v7();
    let name = account_name(from.name.as_deref(), is_program);
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(&from.address),
            users::role.eq(Role::Requester),
            users::full_name.eq(name),
            users::created_at.eq(at),
            users::updated_at.eq(at),
        ))
        .execute(tx)?;
    Ok(Sender { id, role: Role::Requester, active: true, has_password: false })
}

/// The longest name of an account, in characters.
const LONGEST_NAME: usize = 200;

/// The name of an account for a sender with this name. The database removes invisible characters and composes the
/// others, after which it must be neither empty nor too long.
fn account_name(name: Option<&str>, is_program: bool) -> String {
    let name = name.filter(|name| is_program || is_full_name(name)).unwrap_or_default();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(name);
    let shortened: String = composed.chars().take(LONGEST_NAME).collect();
    if shortened.contains(|c: char| c.is_alphanumeric() && !is_blank_letter(c)) {
        shortened
    } else {
        UNNAMED.to_owned()
    }
}

/// Which messages of a sender count for a limit.
#[derive(Clone, Copy)]
pub enum Counted {
    /// Those that became a ticket or a followup.
    All,
    /// Those that became a ticket.
    Tickets,
    /// Those that became this ticket or a followup of it.
    About(i64),
}

/// How many messages from this address were processed within the last hour. Those that the entity's mail server
/// verified (`aligned`) and the others are counted separately, so that a
/// forger of an address does not use up the limit of its owner.
pub fn within_the_hour(
    tx: &mut PgConnection,
    address: &str,
    counted: Counted,
    aligned: bool,
    at: DateTime<Utc>,
) -> Result<i64> {
    let processed = emails::table
        // As in the index over these alone.
        .filter(Literal::<Bool>::new("inbound_emails.status = 'processed'"))
        .filter(emails::from_address.eq(address))
        .filter(emails::processed_at.gt(at - TimeDelta::hours(1)))
        .into_boxed();
    let about = match counted {
        // The reports of a program do not count for a person with the same address.
        Counted::All => processed.filter(Literal::<Bool>::new(
            // Looked up for each message: a join would go through all tickets.
            "NOT coalesce((SELECT t.automatic FROM tickets t WHERE t.id = inbound_emails.ticket_id), false)",
        )),
        Counted::Tickets => processed.filter(emails::followup_id.is_null()),
        Counted::About(id) => processed.filter(emails::ticket_id.eq(id)),
    };
    let counted = match aligned {
        true => about.filter(emails::authentication.eq(InboundEmailAuthentication::Aligned)),
        false => about.filter(emails::authentication.is_distinct_from(InboundEmailAuthentication::Aligned)),
    };
    Ok(counted.count().get_result(tx)?)
}

/// How many accounts were created for unknown senders within the last hour. Until the transaction ends, no other is
/// created.
pub fn new_within_the_hour(tx: &mut PgConnection, at: DateTime<Utc>) -> Result<i64> {
    diesel::select(pg_advisory_xact_lock(hashtextextended("mail from strangers", 0))).execute(tx)?;
    let new = users::table
        .filter(users::password_hash.is_null())
        .filter(users::created_at.gt(at - TimeDelta::hours(1)))
        // Accounts that staff invited.
        .filter(not(exists(
            messages::table
                .filter(messages::recipient_id.eq(users::id))
                .filter(messages::kind.eq(MessageKind::Invitation)),
        )))
        // Accounts of people for whom staff registered a ticket.
        .filter(not(exists(
            tickets::table
                .filter(tickets::requester_id.eq(users::id))
                .filter(tickets::registered_by_id.ne(users::id)),
        )));
    Ok(new.count().get_result(tx)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_visible_name() {
        for invisible in ["\u{200b}", "\u{200b} \u{2060}", "\u{3164}\u{ffa0}", "\u{e0041}", "-- .", ""] {
            assert_eq!(account_name(Some(invisible), true), UNNAMED, "{invisible:?}");
        }
        assert_eq!(account_name(None, true), UNNAMED);
        assert_eq!(account_name(Some("UPS 3\u{200b}"), true), "UPS 3\u{200b}");
        assert_eq!(account_name(Some("UPS 3"), false), UNNAMED);
        assert_eq!(account_name(Some("Rosa Pérez"), false), "Rosa Pérez");
        assert_eq!(account_name(Some("\u{3164}\u{3164} \u{3164}\u{3164}"), false), UNNAMED);
    }

    #[test]
    fn a_name_is_not_too_long_after_it_was_composed() {
        // Composed, each of these letters is two characters.
        let long = "\u{958}".repeat(150);
        assert_eq!(account_name(Some(&long), true).chars().count(), 200);
        assert_eq!(account_name(Some(&format!("{long} Ruiz")), false), UNNAMED);
    }
}
