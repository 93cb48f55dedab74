//! Makes signed tree heads: the first at once, then one a day and one at each approval of a quarterly report. If the
//! log did not grow since the last head, no new one is made.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Timestamptz};

use super::frontier::Frontier;
use super::mails;
use super::note::{Checkpoint, Note};
use super::sequence::{self, IfBusy};
use crate::config::AuditConfig;
use crate::config::audit_keys::{PublicKey, Signer};
use crate::db::schema::tree_heads as rows;
use crate::language::text_enum;
use crate::problem::{Problem, Result};

text_enum! {
    /// The reason of a tree head.
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

/// How many of the newest heads are read to find a valid one.
const CONSIDERED: i64 = 100;

/// The newest valid head, as far as the next one needs it.
struct Newest {
    /// `None` if there is no valid head.
    at: Option<DateTime<Utc>>,
    tree: Frontier,
    /// The number of all heads.
    heads: i64,
}

/// A head that no configured key signed, or whose columns differ from its note, is skipped: the database role of the
/// server may insert rows, and a head that was built on a forged one would be wrong and validly signed.
fn newest(db: &mut PgConnection, audit: &AuditConfig) -> Result<Newest> {
    let heads: i64 = rows::table.count().get_result(db)?;
    let found: Vec<(i64, DateTime<Utc>, Vec<u8>, String)> = rows::table
        .order(rows::size.desc())
        .select((rows::size, rows::at, rows::frontier, rows::note))
        .limit(CONSIDERED)
        .load(db)?;
    let keys = audit.public_keys();
    for (size, at, frontier, note) in found {
        let tree = Frontier::from_bytes(size, &frontier).filter(|tree| is_genuine(tree, &note, &keys));
        match tree {
            Some(tree) => return Ok(Newest { at: Some(at), tree, heads }),
            None => log::error!("the tree head of size {size} was not signed with a configured key"),
        }
    }
    Ok(Newest { at: None, tree: Frontier::default(), heads })
}

fn is_genuine(tree: &Frontier, note: &str, keys: &[PublicKey]) -> bool {
    Note::find(note).is_ok_and(|note| {
        note.is_signed_by(keys) && note.checkpoint.size == tree.size() && note.checkpoint.root == tree.root()
    })
}

/// Makes a head if one is due; returns how many were made. If several copies of the server try, one makes it.
pub fn make_due(
    db: &mut PgConnection,
    audit: &AuditConfig,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<usize> {
    let Some(signer) = &audit.signer else { return Ok(0) };
    let newest = newest(db, audit)?;
    let Some(reason) = due(db, &newest, timezone, now)? else { return Ok(0) };
    make_after(db, newest, audit, signer, reason)
}

/// Makes a head at once, unless the log did not grow since the newest one; returns how many were made.
pub fn make(db: &mut PgConnection, audit: &AuditConfig, reason: HeadReason) -> Result<usize> {
    let Some(signer) = &audit.signer else { return Ok(0) };
    let newest = newest(db, audit)?;
    make_after(db, newest, audit, signer, reason)
}

fn due(
    db: &mut PgConnection,
    newest: &Newest,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<Option<HeadReason>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        approved: bool,
    }
    let Some(made) = newest.at else { return Ok(Some(HeadReason::Start)) };
    let day = |at: DateTime<Utc>| at.with_timezone(&timezone).date_naive();
    if day(made) < day(now) {
        return Ok(Some(HeadReason::Daily));
    }
    // An approval whose head could not be made at the time.
    let found: Found =
        diesel::sql_query("SELECT EXISTS (SELECT FROM quarterly_reports WHERE approved_at > $1) AS approved")
            .bind::<Timestamptz, _>(made)
            .get_result(db)?;
    Ok(found.approved.then_some(HeadReason::ReportApproved))
}

fn make_after(
    db: &mut PgConnection,
    newest: Newest,
    audit: &AuditConfig,
    signer: &Signer,
    reason: HeadReason,
) -> Result<usize> {
    sequence::run(db, IfBusy::Wait)?;
    let before = newest.tree;
    let tree = grown(db, before.clone())?;
    if tree.size() == before.size() {
        return Ok(0);
    }
    db.transaction(|tx| {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
        let heads: i64 = rows::table.count().get_result(tx)?;
        let exists: i64 = rows::table.filter(rows::size.eq(tree.size())).count().get_result(tx)?;
        if heads != newest.heads || exists > 0 {
            // Another copy of the server has made one since.
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

/// The tree with the leaves added since. Positions do not change once they are committed, so the batches need no
/// common transaction.
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
