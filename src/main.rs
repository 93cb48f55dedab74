//! The commands.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};
use mesa::attachments::content;
use mesa::audit;
use mesa::audit::tree::keys::PublicKey;
use mesa::auth::policy::Role;
use mesa::backup::encryption::{self, Decryption, Encryption, Protection};
use mesa::backup::{self, Opening, Restored};
use mesa::config::Config;
use mesa::db::private::PrivatePostgres;
use mesa::db::server_role::DatabaseUrls;
use mesa::db::session::{self, Bounds};
use mesa::inbound::command;
use mesa::people::accounts::{self, NewAccount};
use mesa::reports;
use mesa::retention;
use mesa::seed::{self, Seeded, Wanted};
use mesa::server::{self, StartError};
use mesa::statistics::Quarter;
use object_store::ObjectStore;
use tikv_jemallocator::Jemalloc;

/// Returns memory to the system and scales with many threads better than the allocator of the C library.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// A headless service desk: a JSON REST API on PostgreSQL.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Migrate the database to the schema of this version
    Migrate,
    /// Print the contract
    Openapi {
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Write a backup of everything to a new file while the server runs
    Backup {
        file: PathBuf,
        /// Encrypt it: for the recipients that are named, else with the passphrase in MESA_BACKUP_PASSPHRASE or on standard
        /// input
        #[arg(long)]
        encrypt: bool,
        /// Encrypt it for the owner of this public key, as age-keygen writes it; may be repeated
        #[arg(long, value_name = "age1…")]
        recipient: Vec<String>,
    },
    /// Restore a backup into an empty installation
    Restore {
        file: PathBuf,
        /// The private key of an encrypted backup, as age-keygen writes it; without it the passphrase is that in
        /// MESA_BACKUP_PASSPHRASE or on standard input
        #[arg(long, value_name = "FILE")]
        identity: Option<String>,
        /// Restore it though it was written with another key, or by a version that did not authenticate its backups
        #[arg(long)]
        unauthenticated: bool,
    },
    /// Write the report of a quarter to standard output
    Report {
        /// A year and a quarter
        #[arg(long, value_name = "2026-4")]
        quarter: Quarter,
        #[arg(long, value_enum, default_value_t = ReportFormat::Json)]
        format: ReportFormat,
    },
    /// Delete records whose retention period is over
    Retention {
        /// Print the counts and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Fill an empty installation with generated tickets of several years
    Seed {
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        tickets: u32,
        /// Over how many years they are spread
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=50))]
        years: u32,
        /// One for 20 tickets where it is left out
        #[arg(long, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
        articles: Option<u32>,
        /// The same number makes the same desk on the same day
        #[arg(long, default_value_t = 1)]
        seed: u32,
    },
    /// Work with mail
    #[command(subcommand)]
    Mail(MailCommand),
    /// Work with accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Verify the history without a server
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Verify the whole history against a signed head that was kept elsewhere; exits with 1 if it does not hold
    Verify {
        /// A file with the signed head, such as the mail that brought it
        #[arg(long, value_name = "FILE")]
        head: PathBuf,
        /// The public key of the head, as it was kept with it; else those of the configuration
        #[arg(long, value_name = "PUBKEY")]
        key: Option<PublicKey>,
    },
    /// Print the newest signed head
    Head,
}

#[derive(Subcommand)]
enum MailCommand {
    /// Accept a message on standard input, as a mail server's pipe passes it
    Ingest,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReportFormat {
    Json,
    Html,
    Xlsx,
    Pdf,
}

impl From<ReportFormat> for reports::Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Json => reports::Format::Json,
            ReportFormat::Html => reports::Format::Html,
            ReportFormat::Xlsx => reports::Format::Xlsx,
            ReportFormat::Pdf => reports::Format::Pdf,
        }
    }
}

#[derive(Subcommand)]
enum UserCommand {
    /// Open an account; reads its password from standard input
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, value_enum)]
        role: RoleName,
        #[arg(long)]
        full_name: String,
    },
    /// Print a one-time link to set the password of an account, valid for an hour
    Reset {
        #[arg(long)]
        email: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Requester,
    Technician,
    Professional,
    Director,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Requester => Role::Requester,
            RoleName::Technician => Role::Technician,
            RoleName::Professional => Role::Professional,
            RoleName::Director => Role::Director,
        }
    }
}

/// The command was called in a way that it does not know.
const EX_USAGE: i32 = 64;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn,mesa=info")).init();
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command.unwrap_or(Command::Serve),
        Err(error) => {
            let _ = error.print();
            // Mail servers read exit codes by `sysexits.h`.
            let of_mail = std::env::args().nth(1).is_some_and(|first| first == "mail");
            let code = if of_mail && error.use_stderr() { EX_USAGE } else { error.exit_code() };
            return u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("mesa: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, StartError> {
    let done = match command {
        Command::Serve => server::serve(Config::from_env()?),
        Command::Migrate => with_database(|_, urls| {
            let applied = server::migrate_as_owner(urls)?;
            println!("{applied} migrations applied");
            Ok(())
        }),
        Command::Mail(MailCommand::Ingest) => return Ok(command::ingest(std::io::stdin().lock()).into()),
        Command::Openapi { format } => {
            let text = match format {
                Format::Json => mesa::contract::json(&mesa::app::openapi())?,
                Format::Yaml => mesa::contract::yaml(&mesa::app::openapi())?,
            };
            // Whoever reads may stop reading, as `head` does.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Command::Backup { file, encrypt, recipient } => with_files(async |config, urls, files| {
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
        }),
        Command::Restore { file, identity, unauthenticated } => with_files(async |config, urls, files| {
            let protection = encryption::protection(&file)
                .map_err(|error| format!("{} is no backup: {error}", file.display()))?;
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
                places => format!("does not hold in {places} places, as when the backup was taken"),
            };
            println!("the history of {} tickets, {} events, {state}", history.tickets, history.events);
            Ok(())
        }),
        Command::Report { quarter, format } => with_database(|config, urls| {
            let file = reports::command::report(config, &urls.server, quarter, format.into())?;
            std::io::stdout().write_all(&file)?;
            Ok(())
        }),
        Command::Retention { dry_run } => with_database(|config, urls| {
            print!("{}", retention::command::retention(config, &urls.server, dry_run)?);
            Ok(())
        }),
        Command::Seed { tickets, years, articles, seed } => with_database(|config, urls| {
            server::migrate_as_owner(urls)?;
            let url = &urls.owner;
            // They ask and attend as well.
            if config.database_url.is_none() {
                server::demo_accounts(config, &mut session::open(url, Bounds::Command)?)?;
            }
            let Seeded { tickets, events, articles } =
                seed::fill(url, config.timezone, Wanted { tickets, years, articles, seed })?;
            println!("{tickets} tickets, {events} events and {articles} articles");
            Ok(())
        }),
        Command::Audit(AuditCommand::Verify { head, key }) => {
            let holds = with_database(|config, urls| {
                let keys = key.map_or_else(|| server::audit_keys(config), |key| Ok(vec![key]))?;
                let result = audit::command::verify(&urls.server, &head, keys)?;
                print!("{}", result.text);
                Ok(result.holds)
            })?;
            return Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Audit(AuditCommand::Head) => with_database(|_, urls| {
            print!("{}", audit::command::newest_head(&urls.server)?);
            Ok(())
        }),
        Command::User(UserCommand::Create { email, role, full_name }) => {
            let mut password = String::new();
            std::io::stdin()
                .read_line(&mut password)
                .map_err(|error| format!("cannot read the password from standard input: {error}"))?;
            // It has the rules for accounts.
            mesa::app::Contract::new()?;
            let account = NewAccount::check(&email, role.into(), &full_name, password.trim_end())?;
            with_database(|config, urls| {
                server::migrate_as_owner(urls)?;
                println!("{}", account.open(&mut session::open(&urls.server, Bounds::Command)?, config)?);
                Ok(())
            })
        }
        Command::User(UserCommand::Reset { email }) => with_database(|config, urls| {
            let db = &mut session::open(&urls.server, Bounds::Command)?;
            println!("{}", accounts::password_link(db, config, &email)?);
            Ok(())
        }),
    };
    done.map(|()| ExitCode::SUCCESS)
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

/// The same, with where the content of files is kept.
fn with_files(
    act: impl AsyncFnOnce(&Config, &DatabaseUrls, Arc<dyn ObjectStore>) -> Result<(), StartError>,
) -> Result<(), StartError> {
    with_database(|config, urls| {
        let files = server::files(config)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(act(config, urls, files))
    })
}

/// Gives the URLs of the database, the private one's where none is configured.
fn with_database<T>(
    act: impl FnOnce(&Config, &DatabaseUrls) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let config = Config::from_env()?;
    if config.database_url.is_some() {
        return act(&config, &server::urls(&config, None));
    }
    let _signals = server::hold_signals()?;
    let private = PrivatePostgres::join(&config.data_dir)?;
    let done = act(&config, &server::urls(&config, Some(&private)));
    private.stop();
    done
}
