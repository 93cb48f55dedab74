//! The commands.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mesa::auth::policy::Role;
use mesa::backup::{self, Restored};
use mesa::config::Config;
use mesa::db::private::PrivatePostgres;
use mesa::db::session::{self, Bounds};
use mesa::inbound::command::{self, Exit};
use mesa::people::accounts::{self, NewAccount};
use mesa::reports;
use mesa::retention;
use mesa::seed::{self, Seeded, Wanted};
use mesa::server::{self, StartError};
use mesa::statistics::Quarter;
use object_store::ObjectStore;
use tikv_jemallocator::Jemalloc;

/// Gives memory back that many threads took in turns, and is quicker under them, than the C library's.
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
    /// Bring the database to the schema of this version
    Migrate,
    /// Print the contract
    Openapi {
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Write the whole desk of this moment into a new file, while it serves
    Backup { file: PathBuf },
    /// Put a backup into an empty desk
    Restore { file: PathBuf },
    /// Write the report of a quarter to standard output
    Report {
        /// A year and a quarter
        #[arg(long, value_name = "2026-4")]
        quarter: Quarter,
        #[arg(long, value_enum, default_value_t = ReportFormat::Json)]
        format: ReportFormat,
    },
    /// Remove what was kept for as long as the rules say
    Retention {
        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Fill an empty desk with years of made-up tickets, to try it and to measure it
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
}

#[derive(Subcommand)]
enum MailCommand {
    /// Take in a message from standard input, as a mail server's pipe gives it
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
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("mesa: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Exit, StartError> {
    let done = match command {
        Command::Serve => server::serve(Config::from_env()?),
        Command::Migrate => with_database(|_, url| {
            let applied = server::migrate(url)?;
            println!("{applied} migrations applied");
            Ok(())
        }),
        Command::Mail(MailCommand::Ingest) => return Ok(command::ingest(std::io::stdin().lock())),
        Command::Openapi { format } => {
            let text = match format {
                Format::Json => mesa::contract::json(&mesa::app::openapi())?,
                Format::Yaml => mesa::contract::yaml(&mesa::app::openapi())?,
            };
            // Whoever reads may stop reading, as `head` does.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Command::Backup { file } => with_files(async |url, files| {
            let manifest = backup::take(url, files, &file).await?;
            let rows: i64 = manifest.tables.values().sum();
            println!("{}: {rows} rows and {} files of {}", file.display(), manifest.files, manifest.taken_at);
            Ok(())
        }),
        Command::Restore { file } => with_files(async |url, files| {
            let Restored { manifest, history } = backup::restore(url, files, &file).await?;
            let rows: i64 = manifest.tables.values().sum();
            println!("{rows} rows and {} files of {} are restored", manifest.files, manifest.taken_at);
            let state = match history.broken {
                0 => "is whole".to_owned(),
                places => format!("does not hold in {places} places, as when the backup was taken"),
            };
            println!("the history of {} tickets, {} events, {state}", history.tickets, history.events);
            Ok(())
        }),
        Command::Report { quarter, format } => with_database(|config, url| {
            let file = reports::command::report(config, url, quarter, format.into())?;
            std::io::stdout().write_all(&file)?;
            Ok(())
        }),
        Command::Retention { dry_run } => with_database(|config, url| {
            print!("{}", retention::command::retention(config, url, dry_run)?);
            Ok(())
        }),
        Command::Seed { tickets, years, articles, seed } => with_database(|config, url| {
            server::migrate(url)?;
            // They ask and attend as well.
            if config.database_url.is_none() {
                server::demo_accounts(config, &mut session::open(url, Bounds::Command)?)?;
            }
            let Seeded { tickets, events, articles } =
                seed::fill(url, config.timezone, Wanted { tickets, years, articles, seed })?;
            println!("{tickets} tickets, {events} events and {articles} articles");
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
            with_database(|_, url| {
                server::migrate(url)?;
                println!("{}", account.open(&mut session::open(url, Bounds::Command)?)?);
                Ok(())
            })
        }
        Command::User(UserCommand::Reset { email }) => with_database(|config, url| {
            println!(
                "{}",
                accounts::password_link(&mut session::open(url, Bounds::Command)?, config, &email)?
            );
            Ok(())
        }),
    };
    done.map(|()| Exit::Ok)
}

/// The same, with where the content of files is kept.
fn with_files(
    act: impl AsyncFnOnce(&str, &dyn ObjectStore) -> Result<(), StartError>,
) -> Result<(), StartError> {
    with_database(|config, url| {
        let files = server::files(config)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(act(url, &*files))
    })
}

/// Gives the URL of the database, the private one's where none is configured.
fn with_database(act: impl FnOnce(&Config, &str) -> Result<(), StartError>) -> Result<(), StartError> {
    let config = Config::from_env()?;
    match &config.database_url {
        Some(url) => act(&config, url),
        None => {
            let _signals = server::hold_signals()?;
            let private = PrivatePostgres::join(&config.data_dir)?;
            let done = act(&config, private.url());
            private.stop();
            done
        }
    }
}
