//! Backups that were changed, forged, made to exhaust memory, or encrypted.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use mesa::backup::Opening;
use mesa::backup::encryption::{self, Decryption, Encryption, Protection};
use mesa::backup::key::BackupKey;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::backup::{KEY, is_untouched, opening, restore, restore_with, take, take_encrypted};
use crate::harness::binary::mesa;
use crate::harness::{Database, Desk, SECRET};

pub type Entries = Vec<(String, Vec<u8>)>;

/// The entries of a backup that is not encrypted.
pub fn entries(file: &Path) -> Entries {
    let gzip = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap());
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    tar::Archive::new(gzip).entries().unwrap().map(read).collect()
}

/// A forgery without the key: the digest matches the changed entries, the HMAC is the original one.
pub fn forge(file: &Path, entries: &Entries) {
    let mut digest = Sha256::new();
    let gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(file).unwrap(), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    for (name, bytes) in entries {
        let mut bytes = bytes.clone();
        if name == "end" {
            let digest = hex::encode(digest.clone().finalize());
            // In format 1 the last entry is not JSON.
            bytes = match serde_json::from_slice::<serde_json::Value>(&bytes) {
                Ok(end) => {
                    json!({"sha256": digest, "hmac_sha256": end["hmac_sha256"]}).to_string().into_bytes()
                }
                Err(_) => digest.into_bytes(),
            };
        } else {
            digest.update(name.as_bytes());
            digest.update([0]);
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(&bytes);
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

#[test]
fn a_changed_backup_is_rejected_even_with_a_matching_digest() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    let one = desk.ticket_in("received");
    for content in ["uno", "dos"] {
        desk.technician().upload(&format!("{one}/attachments"), "nota.txt", content).created();
    }
    take(&desk, &file).unwrap();
    let honest = entries(&file);
    let at = |wanted: &str| honest.iter().position(|(name, _)| name.starts_with(wanted)).unwrap();
    let (files, users, tickets) = (at("files/"), at("tables/users/"), at("tables/tickets/"));
    let changed = |change: &dyn Fn(&mut Entries)| {
        let mut entries = honest.clone();
        change(&mut entries);
        entries
    };
    let (database, store) = (Database::empty(), TempDir::new().unwrap());
    for (what, forged) in [
        (
            "a tampered entry",
            changed(&|all| {
                let text = String::from_utf8(all[users].1.clone()).unwrap();
                all[users].1 = text.replace("requester", "director").into_bytes();
            }),
        ),
        (
            "another number of rows",
            changed(&|all| {
                let text = String::from_utf8(all[0].1.clone()).unwrap();
                all[0].1 = text.replace("\"users\": ", "\"users\": 1").into_bytes();
            }),
        ),
        (
            "exchanged contents",
            changed(&|all| {
                let content = std::mem::take(&mut all[files].1);
                all[files].1 = std::mem::replace(&mut all[files + 1].1, content);
            }),
        ),
        ("another order", changed(&|all| all.swap(files, files + 1))),
        ("a missing entry", changed(&|all| drop(all.remove(tickets)))),
        ("a repeated entry", changed(&|all| all.insert(tickets, all[tickets].clone()))),
        (
            "an entry after the end",
            changed(&|all| all.push(("tables/users/000009.json".to_owned(), b"[]".to_vec()))),
        ),
        ("an unknown entry", changed(&|all| all.insert(1, ("../x".to_owned(), Vec::new())))),
        (
            "no HMAC",
            changed(&|all| {
                all.last_mut().unwrap().1 = b"x".to_vec();
                let text = String::from_utf8(all[0].1.clone()).unwrap();
                all[0].1 = text.replace("\"format\": 2", "\"format\": 1").into_bytes();
            }),
        ),
    ] {
        let forgery = folder.path().join("forged.mesa");
        // `append_data` rejects a path that leaves the folder.
        let named =
            forged.iter().map(|(name, bytes)| (name.replace("../", "elsewhere/"), bytes.clone())).collect();
        forge(&forgery, &named);
        let refused = restore(&database, &store, &forgery).err().unwrap();
        assert!(["authentic", "incomplete"].iter().any(|word| refused.contains(word)), "{what}: {refused}");
        is_untouched(&database, &store);
    }
    // With another key it is rejected like a changed one; with the flag it is restored.
    let other = Opening { key: Some(BackupKey::new("another key of thirty-two bytes!!")), ..opening(&file) };
    let refused = restore_with(&database, &store, other).err().unwrap();
    assert!(refused.contains("MESA_BACKUP_KEY") && refused.contains("--unauthenticated"), "{refused}");
    is_untouched(&database, &store);
    // A file whose content does not match its key is rejected even then.
    let mut swapped = honest.clone();
    let content = std::mem::take(&mut swapped[files].1);
    swapped[files].1 = std::mem::replace(&mut swapped[files + 1].1, content);
    let forgery = folder.path().join("forged.mesa");
    forge(&forgery, &swapped);
    let trusting = Opening { key: None, unauthenticated: true, ..opening(&forgery) };
    assert!(restore_with(&database, &store, trusting).err().unwrap().contains("another content"));
    let trusting = Opening { key: None, unauthenticated: true, ..opening(&file) };
    restore_with(&database, &store, trusting).unwrap();
}

#[test]
fn a_backup_of_format_1_is_restored_with_the_flag_only() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    take(&desk, &file).unwrap();
    let mut old = entries(&file);
    old[0].1 =
        String::from_utf8(old[0].1.clone()).unwrap().replace("\"format\": 2", "\"format\": 1").into_bytes();
    old.last_mut().unwrap().1 = b"digest".to_vec();
    forge(&file, &old);
    let (database, store) = (Database::empty(), TempDir::new().unwrap());
    let refused = restore(&database, &store, &file).err().unwrap();
    assert!(refused.contains("not authenticated") && refused.contains("--unauthenticated"), "{refused}");
    is_untouched(&database, &store);
    let trusting = Opening { key: None, unauthenticated: true, ..opening(&file) };
    assert_eq!(restore_with(&database, &store, trusting).unwrap().manifest.format, 1);
}

/// The maximum resident memory of the server's program until it ends, in MiB. For a moment after the start, the child still
/// has the memory of this process, and its name.
fn peak_memory(child: &mut Child) -> usize {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        if !status.starts_with("Name:\tmesa\n") {
            continue;
        }
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
        most = most.max(line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024);
    }
    most
}

#[test]
fn a_decompression_bomb_is_rejected_with_bounded_memory() {
    let mut seen = false;
    let folder = TempDir::new().unwrap();
    let database = Database::empty();
    let header = |name: &str, size: u64, kind| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_entry_type(kind);
        header.set_cksum();
        header
    };
    let compressed = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let zeros = compressed(&vec![0; 16 << 20]);
    let (regular, long_name) = (tar::EntryType::Regular, tar::EntryType::GNULongName);
    let giant = 3 << 30;
    for (what, first, why) in [
        ("a manifest", header("manifest.json", giant, regular), "incomplete"),
        ("a row", header("tables/users/000001.json", giant, regular), "incomplete"),
        ("a file", header("files/ab/cd", giant, regular), "incomplete"),
        ("a long name", header("long", giant, long_name), "incomplete"),
        (
            "a file of the largest size",
            header("files/ab/cd", 1 << 30, regular),
            "too large when decompressed",
        ),
    ] {
        let file = folder.path().join("bomb");
        let mut bytes = Vec::new();
        if what != "a manifest" {
            let manifest = header("manifest.json", 512, regular);
            let mut content = json!({
                "format": 2, "version": "0.1.0", "taken_at": "2026-11-29T00:00:00Z", "migrations": [],
                "tables": {}, "sequences": {}, "files": 0
            })
            .to_string()
            .into_bytes();
            content.resize(512, b' ');
            bytes.extend(compressed(&[manifest.as_bytes().as_slice(), &content].concat()));
        }
        bytes.extend(compressed(first.as_bytes()));
        (0..25).for_each(|_| bytes.extend(&zeros));
        std::fs::write(&file, bytes).unwrap();
        let mut command = mesa(&[("MESA_BACKUP_KEY", KEY)]);
        command.env("DATABASE_URL", &database.url).env("MESA_JWT_SECRET", SECRET);
        command.env("MESA_DATA_DIR", folder.path()).arg("restore").arg("--unauthenticated").arg(&file);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let most = peak_memory(&mut child);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("is not a backup") && said.contains(why),
            "{what}: {said}"
        );
        // Zero if the child ended before it was seen.
        assert!(most < 120, "{what}: {most} MiB");
        seen |= most > 0;
    }
    assert!(seen, "no measurement");
    assert_eq!(database.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
}

#[test]
fn an_encrypted_backup_needs_its_identity_or_passphrase() {
    let desk = Desk::open();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let key_file = |name: &str| {
        let identity = age::x25519::Identity::generate();
        std::fs::write(path(name), age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
        identity.to_public().to_string()
    };
    let (own, other) = (key_file("own.key"), key_file("other.key"));
    assert!(Encryption::recipients(&["age1nobody".to_owned()]).is_err());
    let (file, with_words) = (path("desk.age"), path("words.age"));
    let one = desk.ticket_in("received");
    desk.technician().upload(&format!("{one}/attachments"), "nota.txt", "La placa es 10432.").created();
    let manifest = take_encrypted(&desk, &file, &Encryption::recipients(&[other, own]).unwrap()).unwrap();
    let mut recipient = age::scrypt::Recipient::new("correcto caballo batería".to_owned().into());
    // The default work factor takes a second per attempt.
    recipient.set_work_factor(10);
    take_encrypted(&desk, &with_words, &Encryption::Passphrase(recipient)).unwrap();
    assert_eq!(encryption::protection(&file).unwrap(), Protection::PublicKey);
    assert_eq!(encryption::protection(&with_words).unwrap(), Protection::Passphrase);
    key_file("wrong.key");

    let (database, store) = (Database::empty(), TempDir::new().unwrap());
    let identity =
        |name: &str| Decryption { identity_file: Some(path(name).display().to_string()), passphrase: None };
    let words = |words: &str| Decryption { identity_file: None, passphrase: Some(words.to_owned().into()) };
    for (file, decryption, why) in [
        (&file, identity("wrong.key"), "another identity"),
        (&file, identity("missing.key"), "cannot read"),
        (&file, Decryption::default(), "--identity"),
        (&with_words, words("otra"), "passphrase"),
    ] {
        let refused = restore_with(&database, &store, Opening { decryption, ..opening(file) }).err().unwrap();
        assert!(refused.contains(why), "{refused}");
        is_untouched(&database, &store);
    }
    // With the public key anyone can encrypt, but not compute the HMAC.
    let wrong = Opening { key: Some(BackupKey::new("x")), decryption: identity("own.key"), ..opening(&file) };
    assert!(restore_with(&database, &store, wrong).err().unwrap().contains("not authentic"));
    is_untouched(&database, &store);
    let own = Opening { decryption: identity("own.key"), ..opening(&file) };
    assert_eq!(restore_with(&database, &store, own).unwrap().manifest, manifest);
    let restored = Desk::on(database, store, &[]);
    let attachment = &restored.technician().get(&format!("{one}/attachments")).items()[0];
    let content = format!("/attachments/{}/content", attachment["id"].as_str().unwrap());
    assert_eq!(restored.technician().get(&content).text(), "La placa es 10432.");
    let (database, store) = (Database::empty(), TempDir::new().unwrap());
    let opening = Opening { decryption: words("correcto caballo batería"), ..opening(&with_words) };
    restore_with(&database, &store, opening).unwrap();
}
