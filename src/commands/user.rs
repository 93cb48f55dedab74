//! `mesa user`: accounts on the command line.

use clap::{Subcommand, ValueEnum};

use super::database::with_database;
use crate::app::Contract;
use crate::auth::policy::Role;
use crate::db::session::{self, Bounds};
use crate::people::accounts::{self, NewAccount};
use crate::problem::StartError;
use crate::server;

#[derive(Subcommand)]
pub enum User {
    /// Create an account; reads its password from standard input
    Create {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// The role of the account
        #[arg(long, value_enum)]
        role: RoleName,
        /// The name of the person
        #[arg(long)]
        full_name: String,
    },
    /// Print a one-time link to set the password of an account, valid for an hour
    Reset {
        /// The address of the account
        #[arg(long)]
        email: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum RoleName {
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

impl User {
    pub fn run(self) -> Result<(), StartError> {
        match self {
            User::Create { email, role, full_name } => create(&email, role.into(), &full_name),
            User::Reset { email } => with_database(|config, urls| {
                let db = &mut session::open(&urls.server, Bounds::Command)?;
                println!("{}", accounts::password_link(db, config, &email)?);
                Ok(())
            }),
        }
    }
}

fn create(email: &str, role: Role, full_name: &str) -> Result<(), StartError> {
    let mut password = String::new();
    std::io::stdin()
        .read_line(&mut password)
        .map_err(|error| format!("cannot read the password from standard input: {error}"))?;
    // The contract has the rules for accounts.
    let account = NewAccount::check(Contract::new()?.schemas(), email, role, full_name, password.trim_end())?;
    with_database(|config, urls| {
        server::migrate_as_owner(urls)?;
        println!("{}", account.open(&mut session::open(&urls.server, Bounds::Command)?, config)?);
        Ok(())
    })
}
