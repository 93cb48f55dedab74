//! Deletes content that no row names any more, some time after it was registered in `removed_files`: when the rows
//! that named it were removed, or when it was written (see `content`).

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamptz};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

use crate::db::schema::{attachments, inbound_emails, removed_files};
use crate::http::desk::Desk;
use crate::problem::{Problem, Result};

/// How many contents one round deletes at most.
const BATCH: i64 = 100;

/// How many registered contents one round checks.
const SCAN: i64 = 10_000;

/// How long after its registration a content is deleted: by then the row that names it has been written.
pub const WAIT: TimeDelta = TimeDelta::hours(1);

/// The advisory lock that a backup shares while it reads files, and that a deletion takes exclusively.
const LOCK: i64 = 0x4d45_5341_0004;

/// Time limit of the object store for one content: a connection to the database is held meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prevents every copy of the server from deleting content as long as this session is connected. A backup calls it
/// before the snapshot of its transaction is taken: all content that a row of the snapshot names then exists until
/// the backup is complete.
///
/// # Errors
/// A deletion in progress takes longer than the session waits for a lock.
pub fn suspend_sweep(db: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_lock_shared($1)").bind::<BigInt, _>(LOCK).execute(db)?;
    Ok(())
}

/// Deletes content that was registered long enough ago, unless a row names it; returns how many there were. Several
/// copies of the server may do it at the same time. Nothing is deleted while a backup reads files.
///
/// # Errors
/// [Code::Unavailable](crate::problem::Code::Unavailable) if the database or the object store does not answer; the
/// next round continues.
pub async fn sweep(desk: &Desk, wait: TimeDelta) -> Result<usize> {
    let (before, keys) = desk
        .db
        .run(move |db| {
            let before = crate::db::now(db)? - wait;
            forget_named(db, before)?;
            let keys: Vec<String> = removed_files::table
                .filter(removed_files::removed_at.le(before))
                .order(removed_files::removed_at)
                .limit(BATCH)
                .select(removed_files::storage_key)
                .load(db)?;
            Ok((before, keys))
        })
        .await?;
    let mut deleted = 0;
    for key in keys {
        let (files, runtime) = (desk.files.clone(), Handle::current());
        let done = desk.db.run(move |db| {
            db.transaction(|tx| {
                delete_unnamed(tx, &key, before, |path| runtime.block_on(delete(files, path, before)))
            })
        });
        deleted += usize::from(done.await?);
    }
    Ok(deleted)
}

/// Removes the registrations of content that a row names, which is nearly everything that was uploaded.
fn forget_named(db: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    diesel::sql_query(
        "DELETE FROM removed_files r USING ( \
             SELECT storage_key FROM removed_files WHERE removed_at <= $1 ORDER BY removed_at LIMIT $2 \
         ) due WHERE r.storage_key = due.storage_key AND r.removed_at <= $1 AND ( \
             EXISTS (SELECT FROM attachments a WHERE a.storage_key = r.storage_key) \
             OR EXISTS (SELECT FROM inbound_emails i WHERE i.storage_key = r.storage_key))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(SCAN)
    .execute(db)?;
    Ok(())
}

/// Holds the lock on the row while the content is deleted: a concurrent upload of the same content registers it
/// first, and waits.
fn delete_unnamed(
    tx: &mut PgConnection,
    key: &str,
    before: DateTime<Utc>,
    delete: impl FnOnce(Path) -> Result<Outcome>,
) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Lock {
        #[diesel(sql_type = Bool)]
        held: bool,
    }
    let lock: Lock = diesel::sql_query("SELECT pg_try_advisory_xact_lock($1) AS held")
        .bind::<BigInt, _>(LOCK)
        .get_result(tx)?;
    if !lock.held {
        return Ok(false);
    }
    let registered = removed_files::table.find(key).filter(removed_files::removed_at.le(before));
    let locked: Option<String> =
        registered.select(removed_files::storage_key).for_update().skip_locked().first(tx).optional()?;
    if locked.is_none() {
        return Ok(false);
    }
    let attached = diesel::dsl::exists(attachments::table.filter(attachments::storage_key.eq(key)));
    let received = diesel::dsl::exists(inbound_emails::table.filter(inbound_emails::storage_key.eq(key)));
    let (attached, received): (bool, bool) = diesel::select((attached, received)).get_result(tx)?;
    let outcome = if attached || received { Outcome::Missing } else { delete(Path::from(key))? };
    let row = removed_files::table.find(key);
    match outcome {
        Outcome::Deleted | Outcome::Missing => diesel::delete(row).execute(tx)?,
        Outcome::Young => {
            diesel::update(row).set(removed_files::removed_at.eq(diesel::dsl::now)).execute(tx)?
        }
    };
    Ok(outcome == Outcome::Deleted)
}

#[derive(PartialEq, Eq)]
enum Outcome {
    Deleted,
    Missing,
    /// It was written after it was registered, by a version that does not register what it writes: checked again
    /// later.
    Young,
}

async fn delete(files: Arc<dyn ObjectStore>, path: Path, before: DateTime<Utc>) -> Result<Outcome> {
    let work = async {
        match files.head(&path).await {
            Ok(object) if object.last_modified > before => return Ok(Outcome::Young),
            Ok(_) => {}
            Err(Error::NotFound { .. }) => return Ok(Outcome::Missing),
            Err(error) => return Err(error),
        }
        match files.delete(&path).await {
            Ok(()) => Ok(Outcome::Deleted),
            Err(Error::NotFound { .. }) => Ok(Outcome::Missing),
            Err(error) => Err(error),
        }
    };
    tokio::time::timeout(PATIENCE, work).await.map_err(Problem::no_files)?.map_err(Problem::no_files)
}
