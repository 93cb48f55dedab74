//! `mesa seed`: generated tickets of several years.

use clap::Args;

use super::database::with_database;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::seed::{self, Seeded, Wanted};
use crate::server;

#[derive(Args)]
pub struct Seed {
    /// How many tickets
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    tickets: u32,
    /// Over how many years they are spread
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=50))]
    years: u32,
    /// How many articles; one for 20 tickets by default
    #[arg(long, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    articles: Option<u32>,
    /// The same number generates the same data on the same day
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Seed {
    pub fn run(self) -> Result<(), StartError> {
        let Seed { tickets, years, articles, seed } = self;
        with_database(|config, urls| {
            server::migrate_as_owner(urls)?;
            let url = &urls.owner;
            // Staff are requesters too.
            if config.database_url.is_none() {
                server::demo_accounts(config, &mut session::open(url, Bounds::Command)?)?;
            }
            let Seeded { tickets, events, articles } =
                seed::fill(url, config.timezone, Wanted { tickets, years, articles, seed })?;
            println!("{tickets} tickets, {events} events and {articles} articles");
            Ok(())
        })
    }
}
