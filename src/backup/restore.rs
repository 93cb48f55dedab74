//! Putting a backup into an empty desk, all of it or nothing.

use std::path::Path;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::MigrationHarness;
use object_store::{ObjectStore, ObjectStoreExt, path};

use super::tables::{self, Rules, Table};
use super::{FORMAT, Manifest, archive};
use crate::audit::log::{self, AuditEvent, AuditKind, AuditResource};
use crate::audit::verification::{self, Whole};
use crate::db::migrations::{self, MIGRATIONS};
use crate::db::session::{self, Bounds};
use crate::server::StartError;

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    pub manifest: Manifest,
    /// Whether the histories hold. One that did not when the backup was taken does not now.
    pub history: Whole,
}

/// Puts back what `take` wrote, into a database without tickets and accounts; the migrations of this version follow.
///
/// # Errors
/// In words for whoever called the command; the database is then as it was, at most with an empty schema.
pub async fn restore(url: &str, files: &dyn ObjectStore, path: &Path) -> Result<Restored, StartError> {
    let manifest = inspect(path)?;
    let mut db = session::open(url, Bounds::Command)?;
    bring_to(&mut db, &manifest)?;
    keep_files(files, path).await?;
    db.transaction::<_, StartError, _>(|tx| {
        let tables = tables::all(tx)?;
        must_be_empty(tx)?;
        let rules = Rules::suspend(tx, &tables)?;
        fill(tx, &tables, path)?;
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
    })?;
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

/// Reads the backup once from one end to the other, before anything is written.
fn inspect(path: &Path) -> Result<Manifest, StartError> {
    let mut manifest = None;
    let whole = archive::read::<StartError>(path, |name, bytes| {
        if name == "manifest.json" {
            manifest = Some(serde_json::from_slice::<Manifest>(&bytes)?);
        }
        Ok(())
    });
    whole.map_err(|error| format!("{} is no backup: {error}", path.display()))?;
    let manifest = manifest.ok_or_else(|| format!("{} is no backup of Mesa", path.display()))?;
    if manifest.format != FORMAT {
        return Err(format!(
            "the backup is of version {} of Mesa, which this one cannot read",
            manifest.version
        )
        .into());
    }
    Ok(manifest)
}

/// Makes the schema that the backup has.
fn bring_to(db: &mut PgConnection, manifest: &Manifest) -> Result<(), StartError> {
    let applied = tables::migrations(db)?;
    if applied.iter().any(|version| !manifest.migrations.contains(version)) {
        return Err(
            "the database has the schema of a newer version than the backup: restore into one without tables"
                .into(),
        );
    }
    // Makes the table that keeps them.
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

/// Their keys are digests of what they are: one that is there already is the same.
async fn keep_files(files: &dyn ObjectStore, path: &Path) -> Result<(), StartError> {
    let (send, mut receive) = tokio::sync::mpsc::channel::<(String, Vec<u8>)>(1);
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        archive::read::<StartError>(&path, |name, bytes| match name.strip_prefix("files/") {
            Some(key) => {
                Ok(send.blocking_send((key.to_owned(), bytes)).map_err(|error| error.to_string())?)
            }
            None => Ok(()),
        })
    });
    while let Some((key, bytes)) = receive.recv().await {
        let kept = files.put(&path::Path::from(key.as_str()), bytes.into()).await;
        kept.map_err(|error| format!("cannot keep the file {key}: {error}"))?;
    }
    reading.await?
}

fn fill(tx: &mut PgConnection, tables: &[Table], path: &Path) -> Result<(), StartError> {
    archive::read(path, |name, bytes| {
        let Some((table, _)) = name.strip_prefix("tables/").and_then(|name| name.split_once('/')) else {
            return Ok(());
        };
        known(tables, table)?.write(tx, std::str::from_utf8(&bytes)?)?;
        Ok(())
    })
}

fn known<'a>(tables: &'a [Table], name: &str) -> Result<&'a Table, StartError> {
    let table = tables.iter().find(|table| table.name == name);
    Ok(table.ok_or_else(|| format!("the backup has a table {name}, which the desk has not"))?)
}
