//! The command line.

mod audit;
mod backup;
mod database;
pub mod ingest;
mod openapi;
mod report;
pub mod retention;
mod seed;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::database::with_database;
use crate::config::Config;
use crate::problem::StartError;
use crate::server;

/// A headless service desk: a JSON REST API on PostgreSQL.
#[derive(Parser)]
#[command(
    version,
    after_help = "Mesa is configured by environment variables, which docs/configuration.md documents. \
        `mesa <COMMAND> --help` describes the arguments of a command."
)]
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
    Openapi(openapi::Openapi),
    /// Write a backup of everything to a new file while the server runs
    Backup(backup::Backup),
    /// Restore a backup into an empty installation
    Restore(backup::Restore),
    /// Write the report of a quarter to standard output
    Report(report::Report),
    /// Delete records whose retention period is over
    Retention(retention::Retention),
    /// Fill an empty installation with generated tickets of several years
    Seed(seed::Seed),
    /// Work with mail
    #[command(subcommand)]
    Mail(Mail),
    /// Work with accounts
    #[command(subcommand)]
    User(user::User),
    /// Verify the history without a server
    #[command(subcommand)]
    Audit(audit::Audit),
}

#[derive(Subcommand)]
enum Mail {
    /// Accept a message on standard input, as a mail server's pipe passes it
    Ingest,
}

/// An unknown command or argument.
const EX_USAGE: i32 = 64;

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
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
        Command::Openapi(openapi) => openapi.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Report(report) => report.run(),
        Command::Retention(retention) => retention.run(),
        Command::Seed(seed) => seed.run(),
        Command::Mail(Mail::Ingest) => return Ok(ingest::ingest(std::io::stdin().lock()).into()),
        Command::User(user) => user.run(),
        Command::Audit(audit) => return audit.run(),
    };
    done.map(|()| ExitCode::SUCCESS)
}
