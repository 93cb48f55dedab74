//! Makes signed tree heads: the first at once, then one a day and one at each approval of a quarterly report. Where the log
//! did not grow since the last head, that one stays the newest.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Timestamptz};

use super::frontier::Frontier;
use super::keys::Signer;
use super::mails;
use super::note::Checkpoint;
use super::sequence::{self, IfBusy};
use crate::config::AuditConfig;
use crate::db::schema::tree_heads as rows;
use crate::db::text_enum;
use crate::problem::{Problem, Result};

text_enum! {
    /// Why a tree head was made.
    pub enum HeadReason {
        /// It is the first one.
        Start = "start",
        /// A day began.
        Daily = "daily",
        /// A quarterly report was approved.
        ReportApproved = "report_approved",
    }
}

/// The advisory lock under which a head is written.
const LOCK: i64 = 0x4d45_5341_0601;

/// How many leaves are read at once.
const BATCH: i64 = 10_000;

/// The newest head, as far as the next one needs it.
struct Newest {
    at: DateTime<Utc>,
    tree: Frontier,
}

fn newest(db: &mut PgConnection) -> Result<Option<Newest>> {
    let found: Option<(i64, DateTime<Utc>, Vec<u8>)> = rows::table
        .order(rows::size.desc())
        .select((rows::size, rows::at, rows::frontier))
        .first(db)
        .optional()?;
    let Some((size, at, frontier)) = found else { return Ok(None) };
    let tree = Frontier::from_bytes(size, &frontier)
        .ok_or_else(|| Problem::internal("the frontier of the newest tree head does not fit its size"))?;
    Ok(Some(Newest { at, tree }))
}

/// Makes a head if it is time for one; returns how many were made. Of several copies of the server that try, one does.
pub fn make_due(
    db: &mut PgConnection,
    audit: &AuditConfig,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<usize> {
    let Some(signer) = &audit.signer else { return Ok(0) };
    let newest = newest(db)?;
    let Some(reason) = due(db, newest.as_ref(), timezone, now)? else { return Ok(0) };
    make_after(db, newest, audit, signer, reason)
}

/// Makes a head at once, unless the log did not grow since the newest one; returns how many were made.
pub fn make(db: &mut PgConnection, audit: &AuditConfig, reason: HeadReason) -> Result<usize> {
    let Some(signer) = &audit.signer else { return Ok(0) };
    let newest = newest(db)?;
    make_after(db, newest, audit, signer, reason)
}

fn due(
    db: &mut PgConnection,
    newest: Option<&Newest>,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<Option<HeadReason>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        approved: bool,
    }
    let Some(newest) = newest else { return Ok(Some(HeadReason::Start)) };
    let day = |at: DateTime<Utc>| at.with_timezone(&timezone).date_naive();
    if day(newest.at) < day(now) {
        return Ok(Some(HeadReason::Daily));
    }
    // One whose head could not be made when it was approved.
    let found: Found =
        diesel::sql_query("SELECT EXISTS (SELECT FROM quarterly_reports WHERE approved_at > $1) AS approved")
            .bind::<Timestamptz, _>(newest.at)
            .get_result(db)?;
    Ok(found.approved.then_some(HeadReason::ReportApproved))
}

fn make_after(
    db: &mut PgConnection,
    newest: Option<Newest>,
    audit: &AuditConfig,
    signer: &Signer,
    reason: HeadReason,
) -> Result<usize> {
    sequence::run(db, IfBusy::Wait)?;
    let before = newest.map_or_else(Frontier::default, |newest| newest.tree);
    let tree = grown(db, before.clone())?;
    if tree.size() == before.size() {
        return Ok(0);
    }
    db.transaction(|tx| {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
        let last: Option<i64> = rows::table.select(diesel::dsl::max(rows::size)).first(tx)?;
        if last.unwrap_or_default() != before.size() {
            // Another copy of the server made one meanwhile.
            return Ok(0);
        }
        let at = crate::db::now(tx)?;
        let public = signer.public();
        let checkpoint =
            Checkpoint { origin: public.name.clone(), size: tree.size(), root: tree.root(), at: Some(at) };
        diesel::insert_into(rows::table)
            .values((
                rows::size.eq(tree.size()),
                rows::root.eq(tree.root().to_vec()),
                rows::at.eq(at),
                rows::reason.eq(reason),
                rows::frontier.eq(tree.to_bytes()),
                rows::key_id.eq(public.hex_id()),
                rows::note.eq(checkpoint.sign(signer)),
            ))
            .execute(tx)?;
        mails::queue(tx, tree.size(), &audit.mail, at)?;
        log::info!("signed the tree head of {} events ({})", tree.size(), reason.as_str());
        Ok(1)
    })
}

/// The tree with the leaves that came since. Positions do not change once they are committed, so that no transaction is
/// needed around the batches.
fn grown(db: &mut PgConnection, mut tree: Frontier) -> Result<Frontier> {
    #[derive(QueryableByName)]
    struct Leaf {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = Bytea)]
        hash: Vec<u8>,
    }
    loop {
        let leaves: Vec<Leaf> = diesel::sql_query(
            "SELECT position, hash FROM log_entries WHERE position >= $1 ORDER BY position LIMIT $2",
        )
        .bind::<BigInt, _>(tree.size())
        .bind::<BigInt, _>(BATCH)
        .load(db)?;
        for leaf in &leaves {
            if leaf.position != tree.size() {
                return Err(Problem::internal(format!(
                    "the log has no entry at position {}: no tree head is made",
                    tree.size()
                )));
            }
            tree.push(&leaf.hash);
        }
        if i64::try_from(leaves.len()).unwrap_or_default() < BATCH {
            return Ok(tree);
        }
    }
}
