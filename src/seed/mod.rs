//! `mesa seed`: generated data of several years, for demonstrations and performance measurements.
//!
//! The events of each ticket are first generated in `lives.sql` and then inserted into the regular tables, with all
//! their constraints and triggers: the history is chained, and each ticket has its openings. No mail is queued.

use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::audit::tree::sequence::{self, IfBusy};
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;

/// The number of tickets per transaction.
const BATCH: u32 = 5000;

/// The maximum number of connections that generate tickets.
const MOST_AT_ONCE: usize = 4;

/// The number of tickets per article, if the number of articles is not given.
const TICKETS_TO_AN_ARTICLE: u32 = 20;

/// The statements that each session runs first.
const SESSION: [&str; 3] = [include_str!("span.sql"), include_str!("chance.sql"), include_str!("words.sql")];
/// Creates the people.
const PEOPLE: &str = include_str!("people.sql");
/// The data about the people that each session needs.
const CAST: &str = include_str!("cast.sql");
/// One batch of tickets with everything that belongs to them.
const TICKETS: [&str; 5] = [
    include_str!("lives.sql"),
    include_str!("tickets.sql"),
    include_str!("clocks.sql"),
    include_str!("history.sql"),
    include_str!("surveys.sql"),
];
const ARTICLES: &str = include_str!("articles.sql");

/// The parameters of the generation.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// At least one.
    pub tickets: u32,
    /// The number of years over which they are spread, up to last midnight: from 1 to 50.
    pub years: u32,
    /// One for 20 tickets if `None`.
    pub articles: Option<u32>,
    /// The same seed generates the same data on the same day.
    pub seed: u32,
}

/// The generated data.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub struct Seeded {
    #[diesel(sql_type = BigInt)]
    pub tickets: i64,
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    #[diesel(sql_type = BigInt)]
    pub articles: i64,
}

/// The statements of one run.
struct Script {
    wanted: Wanted,
    timezone: Tz,
    now: DateTime<Utc>,
}

/// Fills the database at this URL, which must have no tickets and no articles, on several connections at once. If it
/// is interrupted, a part of the data remains.
///
/// # Errors
/// A text for the user of the command.
pub fn fill(url: &str, timezone: Tz, wanted: Wanted) -> Result<Seeded, StartError> {
    let mut main = session::open(url, Bounds::Command)?;
    check_fresh(&mut main)?;
    let script = Script { wanted, timezone, now: db::now(&mut main)? };
    script.begin(&mut main)?;
    script.run(&mut main, &[PEOPLE])?;
    let batches = wanted.tickets.div_ceil(BATCH);
    let sessions = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_AT_ONCE);
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        let work = || -> Result<(), StartError> {
            let mut connection = session::open(url, Bounds::Command)?;
            script.begin(&mut connection)?;
            script.run(&mut connection, &[CAST])?;
            loop {
                let batch = next.fetch_add(1, Ordering::Relaxed);
                if batch >= batches {
                    return Ok(());
                }
                script.tickets(&mut connection, batch)?;
            }
        };
        let workers: Vec<_> = (0..sessions).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err("a connection that made tickets panicked".into()))
        })
    })?;
    script.run(&mut main, &[CAST, ARTICLES])?;
    number(&mut main)?;
    // Many more versions of rows and many more waiting entries than in use, where each event has its own transaction.
    main.batch_execute("VACUUM (FULL) histories, log_entries_waiting")?;
    main.batch_execute("VACUUM (ANALYZE)")?;
    let counted = "SELECT (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM events) AS events, \
         (SELECT count(*) FROM articles) AS articles";
    Ok(diesel::sql_query(counted).get_result(&mut main)?)
}

/// Gives all events their positions in the log.
fn number(db: &mut PgConnection) -> Result<(), StartError> {
    while sequence::run(db, IfBusy::Wait).map_err(|problem| problem.to_string())? > 0 {}
    Ok(())
}

impl Script {
    fn begin(&self, connection: &mut PgConnection) -> Result<(), StartError> {
        SESSION.iter().try_for_each(|sql| Ok(connection.batch_execute(&self.filled_in(sql))?))
    }

    /// In one transaction.
    fn run(&self, connection: &mut PgConnection, parts: &[&str]) -> Result<(), StartError> {
        connection
            .transaction(|tx| parts.iter().try_for_each(|sql| Ok(tx.batch_execute(&self.filled_in(sql))?)))
    }

    /// One batch of tickets, counted from 0.
    fn tickets(&self, connection: &mut PgConnection, batch: u32) -> Result<(), StartError> {
        let first = batch * BATCH + 1;
        let last = self.wanted.tickets.min(batch * BATCH + BATCH);
        let parts = TICKETS
            .map(|sql| sql.replace("{first}", &first.to_string()).replace("{last}", &last.to_string()));
        self.run(connection, &parts.each_ref().map(String::as_str))?;
        log::info!("tickets {first} to {last} of {}", self.wanted.tickets);
        Ok(())
    }

    fn filled_in(&self, sql: &str) -> String {
        let Wanted { tickets, years, articles, seed } = self.wanted;
        sql.replace("{seed}", &seed.to_string())
            .replace("{tickets}", &tickets.to_string())
            .replace("{years}", &years.to_string())
            .replace("{articles}", &articles.unwrap_or(tickets / TICKETS_TO_AN_ARTICLE).to_string())
            .replace("{timezone}", self.timezone.name())
            .replace("{now}", &self.now.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// Checks that there are no other tickets or articles, so that real and generated data are not mixed, and that the
/// attention times are the initial ones, on which the generated clocks depend.
fn check_fresh(db: &mut PgConnection) -> Result<(), StartError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        used: bool,
        #[diesel(sql_type = Bool)]
        other_times: bool,
    }
    let found: Found = diesel::sql_query(
        "SELECT EXISTS (SELECT FROM tickets) OR EXISTS (SELECT FROM articles) AS used, \
         EXISTS (SELECT FROM attention_policies WHERE effective_from > 'epoch') AS other_times",
    )
    .get_result(db)?;
    match found {
        Found { used: true, .. } => Err("the desk already has tickets or articles: seed a new desk".into()),
        Found { other_times: true, .. } => {
            Err("attention times were changed on this desk: seed a new desk".into())
        }
        Found { .. } => Ok(()),
    }
}
