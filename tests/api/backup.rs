//! Backup of the whole desk to one file while it is in use, and restore.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesa::audit::verification::Whole;
use mesa::backup::encryption::{Decryption, Encryption};
use mesa::backup::key::BackupKey;
use mesa::backup::{self, Manifest, Opening, Restored};
use mesa::problem::StartError;
use object_store::local::LocalFileSystem;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Database, Desk};

fn run<T>(work: impl Future<Output = Result<T, StartError>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work).map_err(|error| error.to_string())
}

pub const KEY: &str = "0123456789abcdef0123456789abcdef";

pub fn take(desk: &Desk, file: &Path) -> Result<Manifest, String> {
    take_encrypted(desk, file, &Encryption::None)
}

pub fn take_encrypted(desk: &Desk, file: &Path, encryption: &Encryption) -> Result<Manifest, String> {
    run(backup::take(&desk.database.url, &*desk.shared().files, file, BackupKey::new(KEY), encryption))
}

pub fn opening(file: &Path) -> Opening<'_> {
    let decryption = Decryption::default();
    Opening { path: file, key: Some(BackupKey::new(KEY)), unauthenticated: false, decryption }
}

/// Restores to a database and a folder for attachments.
pub fn restore(database: &Database, files: &TempDir, file: &Path) -> Result<Restored, String> {
    restore_with(database, files, opening(file))
}

pub fn restore_with(database: &Database, files: &TempDir, opening: Opening<'_>) -> Result<Restored, String> {
    let attachments = files.path().join("attachments");
    std::fs::create_dir_all(&attachments).unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(attachments).unwrap());
    let restored = run(backup::restore(&database.url, store, 4096, opening))?;
    database.grant_to_server();
    Ok(restored)
}

pub fn is_untouched(database: &Database, files: &TempDir) {
    assert_eq!(database.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
    let stored = std::fs::read_dir(files.path().join("attachments")).unwrap().count();
    assert_eq!(stored, 0);
}

#[test]
fn a_backup_under_load_is_consistent_and_restored_completely() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    let one = desk.ticket_in("solved");
    desk.technician().upload(&format!("{one}/attachments"), "nota.txt", "La placa es 10432.").created();
    let mail = "From: requester@mesa.test\nSubject: Sin red\n\nNo hay red en el archivo.";
    desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let done = Arc::new(AtomicBool::new(false));
    let manifest = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let ticket = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
                    desk.technician()
                        .post(&format!("{ticket}/classification"), json!({"criticality": "low"}))
                        .ok();
                }
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        let manifest = take(&desk, &file);
        done.store(true, Ordering::Relaxed);
        manifest.unwrap()
    });
    assert!(manifest.tables["tickets"] < desk.database.count("SELECT count(*) FROM tickets"));

    let (database, files) = (Database::empty(), TempDir::new().unwrap());
    let restored = restore(&database, &files, &file).unwrap();
    assert_eq!(restored.manifest, manifest);
    let (tickets, events) = (manifest.tables["tickets"], manifest.tables["events"]);
    assert_eq!(restored.history, Whole { tickets, events, broken: 0 });
    // Consistent: no ticket without its first event, no event without its ticket, every change in both.
    for half_done in [
        "SELECT count(*) FROM tickets t WHERE NOT EXISTS (SELECT FROM events e WHERE e.ticket_id = t.id)",
        "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT FROM tickets t WHERE t.id = e.ticket_id)",
        "SELECT count(*) FROM tickets WHERE (status = 'received') <> \
         NOT EXISTS (SELECT FROM events e WHERE e.ticket_id = tickets.id AND e.kind = 'classified')",
    ] {
        assert_eq!(database.count(half_done), 0, "{half_done}");
    }

    // A desk on the restored data works and continues the numbers.
    let restored = Desk::on(database, files, &[]);
    let shown = restored.requester().get(&one).ok();
    assert_eq!(shown, desk.requester().get(&one).ok());
    let attachment = &restored.technician().get(&format!("{one}/attachments")).items()[0];
    let content =
        restored.technician().get(&format!("/attachments/{}/content", attachment["id"].as_str().unwrap()));
    assert_eq!(content.text(), "La placa es 10432.");
    let next = restored.requester().register("Otra vez sin red");
    assert!(next["id"].as_i64().unwrap() > tickets, "{next}");
    restored.director().get("/audit/verification").ok();
}

#[test]
fn incomplete_files_and_non_empty_databases_are_rejected_unchanged() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    take(&desk, &file).unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "readable by its owner only");
    assert!(take(&desk, &file).unwrap_err().contains("there is a file of that name"));

    let before = desk.database.fingerprint();
    let files = TempDir::new().unwrap();
    assert!(restore(&desk.database, &files, &file).unwrap_err().contains("not empty"));
    assert_eq!(desk.database.fingerprint(), before);

    let database = Database::empty();
    let bytes = std::fs::read(&file).unwrap();
    for (name, bytes) in [
        ("cut", &bytes[..bytes.len() - 100]),
        ("nothing", &[][..]),
        ("other", b"PK\x03\x04 this is another kind of file altogether"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let refused = restore(&database, &files, &file).err().unwrap();
        assert!(refused.contains("is not a backup"), "{name}: {refused}");
    }
    assert_eq!(database.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
}
