//! A restore that fails leaves neither rows nor files, and can be repeated.

use std::path::{Path, PathBuf};

use mesa::backup::Opening;
use tempfile::TempDir;

use crate::backup::{opening, restore, restore_with, take};
use crate::backup_protection::{Entries, entries, forge};
use crate::harness::{Database, Desk};

/// Every file in the folder and its subfolders.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_in(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_restore_that_fails_midway_leaves_no_file_and_can_be_repeated() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    let one = desk.ticket_in("received");
    for content in ["uno", "dos", "tres"] {
        desk.technician().upload(&format!("{one}/attachments"), "nota.txt", content).created();
    }
    // More than one part, so that it is written in several steps.
    desk.technician().upload(&format!("{one}/attachments"), "larga.txt", "largo ".repeat(20_000)).created();
    take(&desk, &file).unwrap();
    let honest = entries(&file);
    let at = |wanted: &str| honest.iter().position(|(name, _)| name.starts_with(wanted)).unwrap();
    let (files, users) = (at("files/"), at("tables/users/"));
    let last = honest.iter().rposition(|(name, _)| name.starts_with("files/")).unwrap();
    assert_eq!(last - files, 3);
    let changed = |change: &dyn Fn(&mut Entries)| {
        let mut entries = honest.clone();
        change(&mut entries);
        entries
    };

    let (database, store) = (Database::empty(), TempDir::new().unwrap());
    let stored = || files_in(&store.path().join("attachments"));
    // A file that existed before, such as one that survived the loss of the database.
    let survivor = store.path().join("attachments").join(honest[files].0.strip_prefix("files/").unwrap());
    std::fs::create_dir_all(survivor.parent().unwrap()).unwrap();
    std::fs::write(&survivor, &honest[files].1).unwrap();
    for (what, forged, why) in [
        ("damaged content in the middle", changed(&|all| all[last].1 = b"otro".to_vec()), "another content"),
        (
            "a row that the database rejects",
            changed(&|all| {
                let text = String::from_utf8(all[users].1.clone()).unwrap();
                all[users].1 = text.replace("\"technician\"", "\"king\"").into_bytes();
            }),
            "check constraint",
        ),
        ("missing rows", changed(&|all| drop(all.remove(at("tables/tickets/")))), "foreign key"),
    ] {
        let forgery = folder.path().join("forged.mesa");
        forge(&forgery, &forged);
        let trusting = Opening { key: None, unauthenticated: true, ..opening(&forgery) };
        let refused = restore_with(&database, &store, trusting).err().unwrap();
        assert!(refused.contains(why), "{what}: {refused}");
        assert_eq!(stored(), std::slice::from_ref(&survivor), "{what}");
        for table in ["tickets", "users", "attachments", "events"] {
            assert_eq!(database.count(&format!("SELECT count(*) FROM {table}")), 0, "{what}");
        }
    }
    restore(&database, &store, &file).unwrap();
    assert_eq!(stored().len(), 4);
    let restored = Desk::on(database, store, &[]);
    let attachments = restored.technician().get(&format!("{one}/attachments")).items();
    let content = format!("/attachments/{}/content", attachments[3]["id"].as_str().unwrap());
    assert_eq!(restored.technician().get(&content).text(), "largo ".repeat(20_000));
}
