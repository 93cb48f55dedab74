//! Mails of tree heads to auditors. The addresses are in the configuration and belong to no account, so these mails
//! are not messages of the outbox, whose recipients are accounts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, SmallInt, Text, Timestamptz};
use lettre::Address;

use crate::db::schema::tree_head_mails as rows;
use crate::problem::Result;

/// The wait after each failed attempt, as multiples of the first wait; the last one applies to all further attempts.
const WAITS: [u32; 6] = [1, 5, 15, 60, 240, 720];

/// Maximum stored length of an error, in characters.
const LAST_ERROR: usize = 1000;

/// A mail that this copy of the server has leased.
#[derive(QueryableByName)]
pub struct HeadMail {
    #[diesel(sql_type = BigInt)]
    pub size: i64,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub note: String,
}

pub fn queue(tx: &mut PgConnection, size: i64, to: &[Address], at: DateTime<Utc>) -> Result<()> {
    let mails: Vec<_> = to
        .iter()
        .map(|address| {
            (rows::size.eq(size), rows::address.eq(address.to_string()), rows::next_attempt_at.eq(at))
        })
        .collect();
    diesel::insert_into(rows::table).values(mails).execute(tx)?;
    Ok(())
}

/// Leases the mail that has waited longest.
pub fn take(db: &mut PgConnection, lease: Duration) -> Result<Option<HeadMail>> {
    let taken = diesel::sql_query(
        "UPDATE tree_head_mails m SET next_attempt_at = clock_timestamp() + make_interval(secs => $1) \
         FROM tree_heads h WHERE h.size = m.size AND (m.size, m.address) IN ( \
             SELECT size, address FROM tree_head_mails \
             WHERE sent_at IS NULL AND next_attempt_at <= clock_timestamp() \
             ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
         RETURNING m.size, m.address, m.attempts, h.at, h.note",
    )
    .bind::<Double, _>(lease.as_secs_f64());
    Ok(taken.get_result(db).optional()?)
}

pub fn sent(db: &mut PgConnection, mail: &HeadMail) -> Result<()> {
    diesel::update(rows::table.find((mail.size, &mail.address)))
        .set((
            rows::sent_at.eq(diesel::dsl::now),
            rows::attempts.eq(rows::attempts + 1),
            rows::last_error.eq(None::<String>),
        ))
        .execute(db)?;
    Ok(())
}

/// The mail was not sent and is retried. An attempt counts only if a mail server could be reached.
pub fn refused(
    db: &mut PgConnection,
    mail: &HeadMail,
    error: &str,
    counts: bool,
    first_wait: Duration,
) -> Result<()> {
    let tries = usize::try_from(mail.attempts).unwrap_or_default().min(WAITS.len() - 1);
    let wait = first_wait * if counts { WAITS[tries] } else { 1 };
    let next = crate::db::now(db)? + wait;
    let error: String = error.chars().filter(|c| *c != '\0').take(LAST_ERROR).collect();
    diesel::update(rows::table.find((mail.size, &mail.address)))
        .set((
            rows::next_attempt_at.eq(next),
            rows::attempts.eq(mail.attempts.saturating_add(i16::from(counts))),
            rows::last_error.eq(error),
        ))
        .execute(db)?;
    Ok(())
}
