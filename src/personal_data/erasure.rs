//! The execution of an anonymization.

use chrono::NaiveDate;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use serde_json::json;
use uuid::Uuid;

use super::confirmation::Confirmation;
use super::places::{FIELDS, Field};
use super::terms::Terms;
use super::{THEIRS, audit_redaction, traces};
use crate::account::attempts;
use crate::account::password_links::{links, request};
use crate::audit::{self, kind::EventKind};
use crate::auth::no_address;
use crate::db::schema::{refresh_tokens, ticket_watchers, tickets, units, users};
use crate::http::Actor;
use crate::people::user::User;
use crate::problem::Result;

/// The name of an anonymized person.
const NAME: &str = "Persona anonimizada";

/// The replacement of a required value.
const NOTHING: &str = "—";

/// Rows that are removed together with the content of their files, and their keys.
const FILES: [(&str, &str); 2] = [
    ("attachments", "uploaded_by = $1 AND ticket_id = ANY ({theirs})"),
    (
        "inbound_emails",
        // Of mail that became part of another requester's ticket, that of the person as the author of a followup.
        "status <> 'waiting' AND (ticket_id = ANY ({theirs}) \
            OR followup_id IN (SELECT id FROM followups WHERE author_id = $1) \
            OR ticket_id IS NULL AND from_address IN ({addresses}))",
    ),
];

/// The addresses of the person, now and in tickets, without those that now belong to another account.
const ADDRESSES: &str = "SELECT lower(email) FROM users WHERE id = $1 \
    UNION SELECT lower(requester_email) FROM tickets WHERE requester_id = $1 \
    EXCEPT SELECT lower(email) FROM users WHERE id <> $1";

/// The person to anonymize, the actor, and the patterns that match the person's data.
pub struct Erasure<'a> {
    actor: &'a Actor,
    user: &'a User,
    terms: &'a Terms,
    confirmation: &'a Confirmation,
    /// Matches any of the data.
    pattern: String,
    /// Matches the data that are removed from texts of others everywhere.
    confirmed: String,
}

impl<'a> Erasure<'a> {
    pub fn new(actor: &'a Actor, user: &'a User, terms: &'a Terms, confirmation: &'a Confirmation) -> Self {
        let (pattern, confirmed) = (terms.pattern(), terms.pattern_of(&confirmation.terms));
        Erasure { actor, user, terms, confirmation, pattern, confirmed }
    }

    /// `left` is the number of places that remain.
    pub fn carry_out(&self, tx: &mut PgConnection, reason: &str, left: i64) -> Result<()> {
        self.record(tx, reason, left)?;
        for (table, owned) in FILES {
            self.remove_files(tx, table, owned)?;
        }
        for field in FIELDS {
            self.cut(tx, field)?;
            self.cut_places(tx, field)?;
        }
        audit_redaction::redact(tx, self.user.id, &self.pattern)?;
        self.forget_who_asked(tx)?;
        self.forget_account(tx)?;
        self.tell_history(tx)
    }

    /// From here on, until the end of the transaction, the database allows the changes that require this record.
    fn record(&self, tx: &mut PgConnection, reason: &str, left: i64) -> Result<()> {
        self.query(
            "INSERT INTO anonymizations (user_id, at, by, reason, left_places) \
             SELECT $1, $4, $5, left(regexp_replace($6, $7, $3, 'gi'), 1000), $8"
                .to_owned(),
        )
        .bind::<Timestamptz, _>(self.actor.now)
        .bind::<SqlUuid, _>(self.actor.id)
        .bind::<SqlText, _>(reason.to_owned())
        .bind::<SqlText, _>(self.confirmed.clone())
        .bind::<BigInt, _>(left)
        .execute(tx)?;
        Ok(())
    }

    fn remove_files(&self, tx: &mut PgConnection, table: &str, owned: &str) -> Result<()> {
        self.query(format!(
            "WITH gone AS (DELETE FROM {table} WHERE {owned} RETURNING storage_key) \
             INSERT INTO removed_files (storage_key, removed_at) SELECT DISTINCT storage_key, $4 FROM gone \
             ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at"
        ))
        .bind::<Timestamptz, _>(self.actor.now)
        .execute(tx)?;
        Ok(())
    }

    /// Removes from a column: in texts of the person every match of a term, in texts of others the confirmed terms.
    fn cut(&self, tx: &mut PgConnection, field: &Field) -> Result<()> {
        let Field { table, rows, own, .. } = field;
        let (column, salt) = (field.quoted(), salt(field));
        let (words, cut) = (field.words(), field.without("CASE WHEN {own} THEN $2 ELSE $4 END"));
        let cut = cut.replace("{own}", own);
        self.query(format!("UPDATE {table} SET {salt}{column} = {cut} WHERE {rows} AND {words} ~* CASE WHEN {own} THEN $2 ELSE $4 END"))
            .bind::<SqlText, _>(self.confirmed.clone())
            .execute(tx)?;
        Ok(())
    }

    /// Removes the confirmed terms from individual texts in a column.
    fn cut_places(&self, tx: &mut PgConnection, field: &Field) -> Result<()> {
        let Some(places) = self.confirmation.places.get(&(field.table, field.column)) else { return Ok(()) };
        let patterns = places.values().map(|terms| self.terms.pattern_of(terms));
        let (keys, patterns): (Vec<&String>, Vec<String>) = places.keys().zip(patterns).unzip();
        let Field { table, rows, key, .. } = field;
        let (column, salt, words) = (field.quoted(), salt(field), field.words());
        let cut = field.without("confirmed.pattern");
        self.query(format!(
            "UPDATE {table} SET {salt}{column} = {cut} FROM unnest($4, $5) AS confirmed (place, pattern) \
             WHERE {rows} AND ({key})::text = confirmed.place AND {words} ~* confirmed.pattern"
        ))
        .bind::<Array<SqlText>, _>(keys)
        .bind::<Array<SqlText>, _>(patterns)
        .execute(tx)?;
        Ok(())
    }

    /// Removes the sender and recipient data from tickets, granted access, surveys and mail.
    fn forget_who_asked(&self, tx: &mut PgConnection) -> Result<()> {
        // First, while the tickets have the former addresses of the person.
        diesel::sql_query(format!(
            "WITH theirs AS MATERIALIZED (SELECT array(({ADDRESSES})) AS addresses) \
             UPDATE inbound_emails SET \
                 recipients = array(SELECT r FROM unnest(recipients) WITH ORDINALITY AS u (r, place) \
                     WHERE r <> ALL (theirs.addresses) ORDER BY place), \
                 reply_to = CASE WHEN reply_to = ANY (theirs.addresses) THEN NULL ELSE reply_to END \
             FROM theirs WHERE recipients && theirs.addresses OR reply_to = ANY (theirs.addresses)"
        ))
        .bind::<SqlUuid, _>(self.user.id)
        .execute(tx)?;
        diesel::sql_query(format!("UPDATE tickets SET reply_to = NULL WHERE reply_to IN ({ADDRESSES})"))
            .bind::<SqlUuid, _>(self.user.id)
            .execute(tx)?;
        diesel::sql_query(
            "UPDATE tickets SET requester_full_name = $2, requester_email = $3, \
                requester_document_id = CASE WHEN requester_document_id IS NOT NULL THEN $4 END, \
                requester_landline = CASE WHEN requester_landline IS NOT NULL THEN $4 END, \
                requester_extension = CASE WHEN requester_extension IS NOT NULL THEN $4 END, \
                requester_mobile = CASE WHEN requester_mobile IS NOT NULL THEN $4 END, reply_to = NULL, \
                version = version + 1, updated_at = $5 \
             WHERE requester_id = $1",
        )
        .bind::<SqlUuid, _>(self.user.id)
        .bind::<SqlText, _>(NAME)
        .bind::<SqlText, _>(self.address())
        .bind::<SqlText, _>(NOTHING)
        .bind::<Timestamptz, _>(self.actor.now)
        .execute(tx)?;
        diesel::sql_query(
            "UPDATE surveys SET comment = NULL WHERE requester_id = $1 AND comment IS NOT NULL",
        )
        .bind::<SqlUuid, _>(self.user.id)
        .execute(tx)?;
        self.query(
            "UPDATE access_grants SET beneficiary = regexp_replace(beneficiary, $2, $3, 'gi') \
             WHERE requester_id = $1 AND beneficiary ~* $2"
                .to_owned(),
        )
        .execute(tx)?;
        diesel::sql_query("DELETE FROM messages WHERE recipient_id = $1 AND status <> 'sent'")
            .bind::<SqlUuid, _>(self.user.id)
            .execute(tx)?;
        diesel::sql_query("UPDATE messages SET sent_to = $2 WHERE recipient_id = $1")
            .bind::<SqlUuid, _>(self.user.id)
            .bind::<SqlText, _>(self.address())
            .execute(tx)?;
        diesel::delete(ticket_watchers::table.filter(ticket_watchers::user_id.eq(self.user.id)))
            .execute(tx)?;
        Ok(())
    }

    fn forget_account(&self, tx: &mut PgConnection) -> Result<()> {
        let id = self.user.id;
        diesel::update(users::table.find(id))
            .set((
                (
                    users::email.eq(self.address()),
                    users::password_hash.eq(None::<String>),
                    users::full_name.eq(NAME),
                    users::document_id.eq(None::<String>),
                    users::landline.eq(None::<String>),
                    users::extension.eq(None::<String>),
                    users::mobile.eq(None::<String>),
                    users::unit_id.eq(None::<Uuid>),
                ),
                users::active.eq(false),
                users::contract_ends_on.eq(None::<NaiveDate>),
                users::sign_in_era.eq(users::sign_in_era + 1),
                users::version.eq(users::version + 1),
                users::updated_at.eq(self.actor.now),
            ))
            .execute(tx)?;
        diesel::update(units::table.filter(units::head_id.eq(id)))
            .set((
                units::head_id.eq(None::<Uuid>),
                units::version.eq(units::version + 1),
                units::updated_at.eq(self.actor.now),
            ))
            .execute(tx)?;
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::user_id.eq(id))).execute(tx)?;
        links::remove(tx, id)?;
        // The keys stay, revoked, without what they were called and where they were used.
        self.query(
            "DELETE FROM access_key_uses WHERE key_id IN (SELECT id FROM access_keys WHERE user_id = $1)"
                .to_owned(),
        )
        .execute(tx)?;
        self.query(
            "UPDATE access_keys SET name = NULL, revoked_at = coalesce(revoked_at, now()) WHERE user_id = $1"
                .to_owned(),
        )
        .execute(tx)?;
        // Responses that are stored for retries, including those to others that contain the person's data.
        self.query(
            "DELETE FROM idempotency_keys WHERE user_id = $1 OR convert_from(body, 'UTF8') ~* $2".to_owned(),
        )
        .execute(tx)?;
        request::remove(tx, &self.user.email)?;
        attempts::forget(tx, &self.user.email)
    }

    fn tell_history(&self, tx: &mut PgConnection) -> Result<()> {
        let theirs: Vec<i64> = tickets::table
            .filter(tickets::requester_id.eq(self.user.id))
            .order(tickets::id)
            .select(tickets::id)
            .load(tx)?;
        let data = audit::Data { changes: Vec::new(), details: json!({}) };
        let events: Vec<_> = theirs.into_iter().map(|ticket_id| (ticket_id, data.clone())).collect();
        audit::record_each(tx, &events, EventKind::Anonymized, Some(self.actor.id), self.actor.now)
    }

    /// An undeliverable address (RFC 2606), different for each account.
    fn address(&self) -> String {
        format!("{}{}", self.user.id, no_address::ANONYMOUS)
    }

    /// A query with the person, the patterns and the replacement as parameters.
    fn query(&self, sql: String) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        diesel::sql_query(sql.replace("{theirs}", THEIRS).replace("{addresses}", ADDRESSES))
            .into_boxed::<Pg>()
            .bind::<SqlUuid, _>(self.user.id)
            .bind::<SqlText, _>(self.pattern.clone())
            .bind::<SqlText, _>(traces::INSTEAD)
    }
}

/// The further assignments when the text of an event is redacted: without its salt the removed text cannot be
/// guessed.
fn salt(field: &Field) -> &'static str {
    if field.table == "events" { "data_salt = NULL, " } else { "" }
}
