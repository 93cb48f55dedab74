//! `mesa backup` and `mesa restore`.

use std::path::PathBuf;

use clap::Args;

use super::database::with_files;
use crate::attachments::content;
use crate::backup::encryption::{self, Decryption, Encryption, Protection};
use crate::backup::{self, Opening, Restored};
use crate::config::Config;
use crate::problem::StartError;
use crate::server;

#[derive(Args)]
pub struct Backup {
    /// The file to write; it must not exist yet
    file: PathBuf,
    /// Encrypt it: for the recipients that are named, else with the passphrase in MESA_BACKUP_PASSPHRASE or on standard
    /// input
    #[arg(long)]
    encrypt: bool,
    /// Encrypt it for the owner of this public key, as age-keygen writes it; may be repeated
    #[arg(long, value_name = "age1…")]
    recipient: Vec<String>,
}

impl Backup {
    pub fn run(self) -> Result<(), StartError> {
        let Backup { file, encrypt, recipient } = self;
        with_files(async |config, urls, files| {
            let encryption = match (encrypt, recipient.is_empty()) {
                (_, false) => Encryption::recipients(&recipient)?,
                (true, true) => Encryption::passphrase(&passphrase(config)?),
                (false, true) => Encryption::None,
            };
            let key = server::backup_key(config)?;
            let manifest = backup::take(&urls.server, &*files, &file, key, &encryption).await?;
            let rows: i64 = manifest.tables.values().sum();
            println!("{}: {rows} rows and {} files of {}", file.display(), manifest.files, manifest.taken_at);
            Ok(())
        })
    }
}

#[derive(Args)]
pub struct Restore {
    /// The file with the backup
    file: PathBuf,
    /// The private key of an encrypted backup, as age-keygen writes it; without it the passphrase is that in
    /// MESA_BACKUP_PASSPHRASE or on standard input
    #[arg(long, value_name = "FILE")]
    identity: Option<String>,
    /// Restore it although it was written with another key, or by a version that did not authenticate its backups
    #[arg(long)]
    unauthenticated: bool,
}

impl Restore {
    pub fn run(self) -> Result<(), StartError> {
        let Restore { file, identity, unauthenticated } = self;
        with_files(async |config, urls, files| {
            let protection = encryption::protection(&file)
                .map_err(|error| format!("{} is not a backup: {error}", file.display()))?;
            let passphrase = match protection {
                Protection::Passphrase => Some(passphrase(config)?.into()),
                Protection::PublicKey | Protection::None => None,
            };
            let key = if unauthenticated { None } else { Some(server::backup_key(config)?) };
            let decryption = Decryption { identity_file: identity, passphrase };
            let opening = Opening { path: &file, key, unauthenticated, decryption };
            let part_size = content::part_size(config);
            let Restored { manifest, history } =
                backup::restore(&urls.owner, files, part_size, opening).await?;
            server::migrate_as_owner(urls)?;
            let rows: i64 = manifest.tables.values().sum();
            println!("{rows} rows and {} files of {} are restored", manifest.files, manifest.taken_at);
            let state = match history.broken {
                0 => "is whole".to_owned(),
                places => format!("is broken in {places} places, as when the backup was taken"),
            };
            println!("the history of {} tickets, {} events, {state}", history.tickets, history.events);
            Ok(())
        })
    }
}

/// The passphrase of an encrypted backup: the variable, or a line of standard input.
fn passphrase(config: &Config) -> Result<String, StartError> {
    if let Some(passphrase) = &config.backup_passphrase {
        return Ok(passphrase.clone());
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| format!("cannot read the passphrase from standard input: {error}"))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err("a passphrase is needed, in MESA_BACKUP_PASSPHRASE or on standard input".into()),
        passphrase => Ok(passphrase.to_owned()),
    }
}
