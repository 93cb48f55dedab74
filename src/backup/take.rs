//! Taking a backup while the server runs.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path};

use super::encryption::Encryption;
use super::key::BackupKey;
use super::tables::{self, Table};
use super::writer::Writer;
use super::{FORMAT, IN_MEMORY, MANIFEST, Manifest};
use crate::attachments::removed;
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;

/// Writes the current data into a file that must not exist yet. It blocks no other request.
///
/// # Errors
/// A text for the user of the command; there is no file of that name then.
pub async fn take(
    url: &str,
    files: &dyn ObjectStore,
    path: &Path,
    key: BackupKey,
    encryption: &Encryption,
) -> Result<Manifest, StartError> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", path.display());
    let mut db = session::open(url, Bounds::Command)?;
    removed::suspend_sweep(&mut db)?;
    // One snapshot for all tables.
    db.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let tables = tables::all(&mut db)?;
    let keys = storage_keys(&mut db)?;
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: moment(&mut db)?,
        migrations: tables::migrations(&mut db)?,
        tables: counts(&mut db, &tables)?,
        sequences: tables::sequences(&mut db)?,
        files: keys.len(),
    };
    let mut writer = Writer::create(path, key, encryption).map_err(|error| cannot(&error))?;
    writer.add(MANIFEST, &serde_json::to_vec_pretty(&manifest)?).map_err(|error| cannot(&error))?;
    for key in keys {
        let unread = |error| format!("cannot read the file {key}: {error}");
        let content = files.get(&path::Path::from(key.as_str())).await.map_err(unread)?;
        writer.begin_file(&format!("files/{key}"), content.meta.size).map_err(|error| cannot(&error))?;
        let mut pieces = content.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(unread)? {
            writer.content(&piece).map_err(|error| cannot(&error))?;
        }
        writer.end().map_err(|error| cannot(&error))?;
    }
    writer.begin_tables().map_err(|error| cannot(&error))?;
    for table in &tables {
        let mut number = 0;
        table.read::<StartError>(&mut db, |piece| {
            number += 1;
            if piece.len() as u64 > IN_MEMORY {
                return Err(format!("{} has a row that is too large for a backup", table.name).into());
            }
            let name = format!("tables/{}/{number:06}.json", table.name);
            Ok(writer.add(&name, piece.as_bytes()).map_err(|error| cannot(&error))?)
        })?;
    }
    writer.finish().map_err(|error| cannot(&error))?;
    Ok(manifest)
}

fn moment(db: &mut PgConnection) -> Result<DateTime<Utc>, StartError> {
    db::now(db).map_err(|problem| problem.log_line().into())
}

fn counts(db: &mut PgConnection, tables: &[Table]) -> QueryResult<BTreeMap<String, i64>> {
    tables.iter().map(|table| Ok((table.name.clone(), tables::count(db, &table.name)?))).collect()
}

/// The keys of all files that a row refers to.
fn storage_keys(db: &mut PgConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Text)]
        storage_key: String,
    }
    let keys: Vec<Key> = diesel::sql_query(
        "SELECT storage_key FROM attachments UNION SELECT storage_key FROM inbound_emails ORDER BY storage_key",
    )
    .load(db)?;
    Ok(keys.into_iter().map(|key| key.storage_key).collect())
}
