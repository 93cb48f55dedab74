//! Restoring a backup into an empty desk, completely or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::MigrationHarness;
use object_store::ObjectStore;

use super::encryption::Decryption;
use super::key::BackupKey;
use super::reader::{self, Entry};
use super::stored_files::StoredFiles;
use super::tables::{self, Rules, Table};
use super::{FORMAT, FORMAT_WITHOUT_HMAC, MANIFEST, Manifest};
use crate::attachments::content::Writer;
use crate::audit::log::{self, AuditEvent, AuditKind, AuditResource};
use crate::audit::verification::{self, Whole};
use crate::db::migrations::{self, MIGRATIONS};
use crate::db::session::{self, Bounds};
use crate::problem::StartError;

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    pub manifest: Manifest,
    /// The verification of the histories. A history that was broken when the backup was taken is still broken.
    pub history: Whole,
}

/// A backup to be restored, and the keys that verify and open it.
pub struct Opening<'a> {
    pub path: &'a Path,
    /// The key that authenticates it.
    pub key: Option<BackupKey>,
    /// Restore it even if it was written with another key, or by a version that did not authenticate its backups.
    pub unauthenticated: bool,
    pub decryption: Decryption,
}

/// Restores the output of `take` into a database without tickets and accounts, and then runs the migrations of this
/// version.
///
/// # Errors
/// A text for the user of the command. Unless the whole backup is in the database, the database is unchanged except
/// for an empty schema, and no file was added.
pub async fn restore(
    url: &str,
    files: Arc<dyn ObjectStore>,
    part_size: usize,
    opening: Opening<'_>,
) -> Result<Restored, StartError> {
    let (manifest, digest) = inspect(&opening)?;
    let mut db = session::open(url, Bounds::Command)?;
    bring_to(&mut db, &manifest)?;
    must_be_empty(&mut db)?;
    let opening =
        Arc::new(Verified { path: opening.path.to_owned(), decryption: opening.decryption, digest });
    let mut stored = StoredFiles::new(files);
    let outcome = match store_files(&mut stored, part_size, opening.clone()).await {
        Ok(()) => fill_database(&mut db, &manifest, &opening),
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        stored.remove().await;
        return Err(error);
    }
    migrations::apply(&mut db)?;
    let event = AuditEvent {
        kind: AuditKind::Restored,
        resource: AuditResource::Desk,
        resource_id: None,
        actor_id: None,
        changes: Vec::new(),
        details: serde_json::json!({"taken_at": manifest.taken_at, "version": manifest.version}),
    };
    let now = crate::db::now(&mut db).map_err(|problem| problem.log_line())?;
    log::record(&mut db, now, event).map_err(|problem| problem.log_line())?;
    let history = verification::whole(&mut db).map_err(|problem| problem.log_line())?;
    Ok(Restored { manifest, history })
}

/// Writes the rows of all tables in one transaction.
fn fill_database(db: &mut PgConnection, manifest: &Manifest, backup: &Verified) -> Result<(), StartError> {
    db.transaction(|tx| {
        let tables = tables::all(tx)?;
        must_be_empty(tx)?;
        let rules = Rules::suspend(tx, &tables)?;
        fill(tx, &tables, backup)?;
        rules.restore(tx)?;
        for (name, (last_value, is_called)) in &manifest.sequences {
            diesel::sql_query("SELECT setval(to_regclass($1), $2, $3)")
                .bind::<Text, _>(name)
                .bind::<BigInt, _>(last_value)
                .bind::<Bool, _>(is_called)
                .execute(tx)?;
        }
        for (name, rows) in &manifest.tables {
            let found = tables::count(tx, &known(&tables, name)?.name)?;
            if found != *rows {
                return Err(format!("{name} should have {rows} rows and has {found}").into());
            }
        }
        Ok(())
    })
}

/// A backup that was read once from one end to the other.
struct Verified {
    path: PathBuf,
    decryption: Decryption,
    digest: [u8; 32],
}

impl Verified {
    /// Passes every entry to `each`, and checks at the end that it is still the backup that was verified.
    fn read(&self, each: impl FnMut(&mut Entry<'_>) -> Result<(), StartError>) -> Result<(), StartError> {
        let ending = reader::read(&self.path, &self.decryption, each)?;
        if ending.digest == self.digest {
            Ok(())
        } else {
            Err("the backup has changed while it was restored".into())
        }
    }
}

/// Reads the backup once completely, before anything is written: its manifest and its digest.
fn inspect(opening: &Opening<'_>) -> Result<(Manifest, [u8; 32]), StartError> {
    let path = opening.path.display();
    let mut manifest = None;
    let whole = reader::read::<StartError>(opening.path, &opening.decryption, |entry| {
        if entry.name == MANIFEST {
            manifest = Some(serde_json::from_slice::<Manifest>(&entry.read()?)?);
        }
        Ok(())
    });
    let ending = whole.map_err(|error| format!("{path} is not a backup: {error}"))?;
    let manifest = manifest.ok_or_else(|| format!("{path} is not a backup of Mesa"))?;
    if manifest.format != FORMAT && manifest.format != FORMAT_WITHOUT_HMAC {
        return Err(format!(
            "the backup is of version {} of Mesa, which this one cannot read",
            manifest.version
        )
        .into());
    }
    let authentic = opening.key.as_ref().is_some_and(|key| ending.is_authentic(key));
    match (authentic, opening.unauthenticated, manifest.format) {
        (true, _, FORMAT) | (_, true, _) => Ok((manifest, ending.digest)),
        (_, _, FORMAT_WITHOUT_HMAC) => Err(format!(
            "{path} is not authenticated: it was written by version {} of Mesa or changed since. If you trust the place where \
             it was kept, restore it with --unauthenticated",
            manifest.version
        )
        .into()),
        _ => Err(format!(
            "{path} is not authentic: it was written with another key than this one (MESA_BACKUP_KEY, or backup.key in the \
             data folder), or changed since. If the key is lost and you trust the place where it was kept, restore it with \
             --unauthenticated"
        )
        .into()),
    }
}

/// Creates the schema of the backup.
fn bring_to(db: &mut PgConnection, manifest: &Manifest) -> Result<(), StartError> {
    let applied = tables::migrations(db)?;
    if applied.iter().any(|version| !manifest.migrations.contains(version)) {
        return Err(
            "the database has the schema of a newer version than the backup: restore into one without tables"
                .into(),
        );
    }
    // Creates the table that stores the applied migrations.
    db.applied_migrations()?;
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    for version in manifest.migrations.iter().filter(|version| !applied.contains(version)) {
        let migration = all.iter().find(|each| each.name().version().to_string() == **version);
        let migration = migration
            .ok_or_else(|| format!("the backup is of a newer version of Mesa: {}", manifest.version))?;
        db.run_migration(migration)?;
    }
    Ok(())
}

fn must_be_empty(tx: &mut PgConnection) -> Result<(), StartError> {
    for table in ["tickets", "users", "inbound_emails"] {
        if tables::count(tx, table)? > 0 {
            return Err(format!("the desk is not empty: there are {table}").into());
        }
    }
    Ok(())
}

/// A piece of the content of files.
enum Piece {
    Begin(String),
    Content(Vec<u8>),
    End,
}

/// Stores the content of files under a temporary name each, and renames it to its key once the digest matches the
/// key.
async fn store_files(
    stored: &mut StoredFiles,
    part_size: usize,
    backup: Arc<Verified>,
) -> Result<(), StartError> {
    let (send, mut receive) = tokio::sync::mpsc::channel::<Piece>(4);
    let reading = tokio::task::spawn_blocking(move || {
        let send =
            |piece| send.blocking_send(piece).map_err(|_| StartError::from("the files cannot be stored"));
        backup.read(|entry| {
            let Some(key) = entry.name.strip_prefix("files/") else { return Ok(()) };
            send(Piece::Begin(key.to_owned()))?;
            entry.pieces(|bytes| send(Piece::Content(bytes.to_vec())))?;
            send(Piece::End)
        })
    });
    let mut current: Option<(String, Writer)> = None;
    while let Some(piece) = receive.recv().await {
        let written = match (piece, &mut current) {
            (Piece::Begin(key), current) => {
                *current = Some((key, stored.writer(part_size)));
                Ok(())
            }
            (Piece::Content(bytes), Some((_, writer))) => writer.write(&bytes).await,
            (Piece::End, current) => match current.take() {
                Some((key, writer)) => {
                    let written = writer.finish().await?;
                    if !is_key_of(&key, &written.sha256) {
                        written.temporary.discard().await;
                        return Err(format!("the backup has another content under the key {key}").into());
                    }
                    stored.add(written.temporary, key).await
                }
                None => Ok(()),
            },
            (Piece::Content(_), None) => Ok(()),
        };
        if let Err(error) = written {
            abort(current).await;
            return Err(format!("cannot store a file: {error}").into());
        }
    }
    abort(current).await;
    reading.await?
}

/// Removes a file of which the backup has only a part.
async fn abort(unfinished: Option<(String, Writer)>) {
    if let Some((_, writer)) = unfinished {
        writer.abort().await;
    }
}

/// Whether the key is valid for a content of this digest: of an attachment, or of a message.
fn is_key_of(key: &str, sha256: &str) -> bool {
    let name = format!("{}/{sha256}", sha256.get(..2).unwrap_or_default());
    key == name || key.strip_prefix("mail/") == Some(name.as_str())
}

fn fill(tx: &mut PgConnection, tables: &[Table], backup: &Verified) -> Result<(), StartError> {
    backup.read(|entry| {
        let Some((table, _)) = entry.name.strip_prefix("tables/").and_then(|name| name.split_once('/'))
        else {
            return Ok(());
        };
        known(tables, table)?.write(tx, std::str::from_utf8(&entry.read()?)?)?;
        Ok(())
    })
}

fn known<'a>(tables: &'a [Table], name: &str) -> Result<&'a Table, StartError> {
    let table = tables.iter().find(|table| table.name == name);
    Ok(table.ok_or_else(|| format!("the backup has a table {name}, which the database does not have"))?)
}
