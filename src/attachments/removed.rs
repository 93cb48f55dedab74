//! Content that nothing needs any more goes from the object store, some time after the rows that named it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};

use crate::db::schema::removed_files;
use crate::desk::Desk;
use crate::problem::{Problem, Result};

/// How many files one round looks at.
const BATCH: i64 = 100;

/// How long after its row a file goes: until then whoever has just sent the same content has written their row.
pub const WAIT: TimeDelta = TimeDelta::hours(1);

#[derive(QueryableByName)]
struct Removed {
    #[diesel(sql_type = Text)]
    storage_key: String,
    #[diesel(sql_type = Timestamptz)]
    removed_at: DateTime<Utc>,
    /// The same content belongs to another row: it is kept once for all.
    #[diesel(sql_type = Bool)]
    needed: bool,
}

/// Removes the content of files that were removed so long ago, unless it was sent again since; answers how many went.
/// Copies of the server may do it at the same time.
///
/// # Errors
/// A 503 where the object store does not answer; what is left is tried again.
pub async fn sweep(desk: &Desk, wait: TimeDelta) -> Result<usize> {
    let removed: Vec<Removed> = desk
        .db
        .run(move |db| {
            let before = crate::db::now(db)? - wait;
            let found = diesel::sql_query(
                "SELECT r.storage_key, r.removed_at, \
                    EXISTS (SELECT FROM attachments a WHERE a.storage_key = r.storage_key) \
                    OR EXISTS (SELECT FROM inbound_emails i WHERE i.storage_key = r.storage_key) AS needed \
                 FROM removed_files r WHERE r.removed_at <= $1 ORDER BY r.removed_at LIMIT $2",
            );
            Ok(found.bind::<Timestamptz, _>(before).bind::<BigInt, _>(BATCH).load(db)?)
        })
        .await?;
    let (mut done, mut gone) = (Vec::new(), 0);
    for Removed { storage_key, removed_at, needed } in removed {
        if !needed {
            let path = Path::from(storage_key.as_str());
            match desk.files.head(&path).await {
                Ok(file) if file.last_modified > removed_at => {}
                Ok(_) => {
                    desk.files.delete(&path).await.map_err(Problem::unavailable)?;
                    gone += 1;
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(Problem::unavailable(error)),
            }
        }
        done.push((storage_key, removed_at));
    }
    desk.db.run(move |db| forget(db, &done)).await?;
    Ok(gone)
}

/// Forgets these keys; one that was removed once more since stays.
fn forget(db: &mut PgConnection, done: &[(String, DateTime<Utc>)]) -> Result<()> {
    let Some(latest) = done.iter().map(|(_, at)| *at).max() else { return Ok(()) };
    let keys = done.iter().map(|(key, _)| key);
    diesel::delete(removed_files::table)
        .filter(removed_files::storage_key.eq_any(keys))
        .filter(removed_files::removed_at.le(latest))
        .execute(db)?;
    Ok(())
}
