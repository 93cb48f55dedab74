//! PostgreSQL: the pool with its access for requests, the schema and the private server.

pub mod acting;
mod among;
mod connections;
pub mod cursor;
mod database_health;
pub mod hosts;
pub mod json;
mod literal;
pub mod migrations;
mod pool;
pub mod pooler;
pub mod private;
pub mod replica;
pub mod schema;
pub mod server_role;
pub mod session;
mod statement;
mod threads;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::RunQueryDsl;
use diesel::pg::PgConnection;
use diesel::r2d2::PooledConnection;
use prometheus::{Histogram, HistogramOpts};

use self::connections::Current;
use self::database_health::DatabaseHealth;
use self::hosts::Hosts;
use self::pool::{Manager, Session};
use self::server_role::DatabaseUrls;
use self::session::Bounds;
use crate::problem::{Problem, Reason, Result};
use crate::telemetry::traces::{Caller, Kind};

pub use among::among;
pub use literal::{Limited, Literal};
pub use statement::Statement;

diesel::define_sql_function! {
    /// A name for searching: without accents and in lower case.
    fn fold(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

diesel::define_sql_function! {
    /// The database's time at this moment. With a Diesel function the statement is prepared once for each connection,
    /// with a piece of SQL it is not.
    fn clock_timestamp() -> diesel::sql_types::Timestamptz;
}

diesel::define_sql_function! {
    /// The text in lower case, as in the index of email addresses.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The database's time: the same clock for every copy of the server.
pub fn now(db: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(diesel::select(clock_timestamp()).get_result(db)?)
}

/// The pattern of a `LIKE` that finds this text anywhere, whatever characters it contains.
pub fn contains(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// How long a request waits for a connection before a 503: the client gets it within two seconds.
const WAIT: Duration = Duration::from_millis(1500);

/// The upper bounds of the waits for a connection that are told apart, in seconds.
const WAITS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0];

/// How long work may take before the probe checks whether PostgreSQL responds.
const SLOW: Duration = Duration::from_secs(1);

/// How long a request waits for its work: a commit waits without a limit for a synchronous standby, and a network that
/// fails silently is noticed late.
const LONGEST: Duration = Duration::from_secs(20);

/// What work does with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It changes nothing.
    Read,
    /// It may change rows.
    Change,
}

/// A pool of connections, and the same number of threads that work with them.
#[derive(Clone)]
pub struct Db {
    /// For connections outside of the pool.
    hosts: Arc<Hosts>,
    connections: Arc<Current>,
    health: Arc<DatabaseHealth>,
    size: u32,
    waits: Histogram,
    /// Whether the sessions refuse changes.
    reads_only: bool,
    refuses_changes_by_reads: bool,
}

impl Db {
    /// A pool of at most `size` connections to the database of these URLs, which are opened when they are needed.
    ///
    /// # Errors
    /// The error of the system for the threads.
    pub fn new(urls: &DatabaseUrls, size: u32) -> std::result::Result<Self, Box<dyn Error + Send + Sync>> {
        let hosts = Arc::new(Hosts::of(&urls.server));
        let (pooled, session) = match &urls.pooler {
            Some(pooler) => (Arc::new(Hosts::of(pooler)), Session::OfPooler),
            None => (Arc::clone(&hosts), Session::Own),
        };
        Self::on(hosts, pooled, size, session)
    }

    /// `hosts`: for connections outside of the pool.
    fn on(
        hosts: Arc<Hosts>,
        pooled: Arc<Hosts>,
        size: u32,
        session: Session,
    ) -> std::result::Result<Self, Box<dyn Error + Send + Sync>> {
        let connections = Arc::new(Current::new(Arc::clone(&pooled), size, WAIT, session)?);
        let health = Arc::new(DatabaseHealth::new(pooled));
        let reads_only = session == Session::OfStandby;
        let waits = HistogramOpts::new(
            "mesa_db_connection_wait_seconds",
            "How long work waited for a connection to PostgreSQL, also if it got none.",
        );
        let waits = Histogram::with_opts(waits.buckets(WAITS.to_vec()))?;
        Ok(Db { hosts, connections, health, size, waits, reads_only, refuses_changes_by_reads: false })
    }

    /// Refuses changes by work that was said to read only: for tests, which find such work.
    pub fn refuse_changes_by_reads(self) -> Self {
        Db { refuses_changes_by_reads: true, ..self }
    }

    /// A pool for reading, on a standby or another server: it refuses changes.
    ///
    /// # Errors
    /// The error of the system for the threads.
    pub fn of_standby(url: &str, size: u32) -> std::result::Result<Self, Box<dyn Error + Send + Sync>> {
        let hosts = Arc::new(Hosts::of_standby(url));
        Self::on(Arc::clone(&hosts), hosts, size, Session::OfStandby)
    }

    /// The same for one URL, with the first connection.
    ///
    /// # Errors
    /// Also the error of PostgreSQL or the network.
    pub fn connect(url: &str, size: u32) -> std::result::Result<Self, Box<dyn Error + Send + Sync>> {
        let urls =
            DatabaseUrls { owner: url.to_owned(), server: url.to_owned(), pooler: None, is_private: false };
        let db = Self::new(&urls, size)?;
        drop(db.connections.get().pool.get()?);
        Ok(db)
    }

    /// Runs `act` with a connection, on other threads than those that serve the network. The only place that combines
    /// blocking work and the pool.
    ///
    /// # Errors
    /// A 503 if no connection is free in time, and if PostgreSQL does not respond or `act` takes longer than 20 s: work
    /// that was begun may still succeed; also if the pool is for reading. Otherwise the error of `act`.
    pub async fn run<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.work(Access::Change, Some(LONGEST), act).await
    }

    /// The same for work that changes nothing: connections are reserved for it.
    ///
    /// # Errors
    /// As [`Db::run`].
    pub async fn read<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        match self.refuses_changes_by_reads {
            false => self.work(Access::Read, Some(LONGEST), act).await,
            true => self.work(Access::Read, Some(LONGEST), |db| session::read_only(db, act)).await,
        }
    }

    /// Whether changes are refused.
    pub fn reads_only(&self) -> bool {
        self.reads_only
    }

    /// Checks that the database responds, and accepts changes unless the pool is for reading.
    ///
    /// # Errors
    /// A 503.
    pub async fn check(&self) -> Result<()> {
        let check = if self.reads_only { session::check } else { session::check_changeable };
        let check = move |db: &mut PgConnection| check(db).map_err(Problem::unavailable);
        self.work(Access::Read, Some(LONGEST), check).await
    }

    /// The same as [`Db::run`] without a limit for the duration, for work outside of requests.
    ///
    /// # Errors
    /// As [`Db::run`].
    pub async fn run_long<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.work(Access::Change, None, act).await
    }

    async fn work<T, F>(&self, access: Access, limit: Option<Duration>, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        if access == Access::Change && self.reads_only {
            return Err(Problem::read_only());
        }
        let (waits, asked) = (self.waits.clone(), Instant::now());
        let caller = Caller::current();
        let connections = self.connections.get();
        let place = match access {
            Access::Read => None,
            Access::Change => {
                let place = connections.place_for_change(WAIT).await;
                Some(place.ok_or_else(|| self.nothing_free(asked))?)
            }
        };
        let used = Arc::clone(&connections);
        let work = move || {
            // Until the end of the work, even if nobody waits for it any more.
            let _place = place;
            // Checking a connection may also wait for a server that does not respond.
            let _running = used.begin();
            let connection = used.pool.get_timeout(WAIT.saturating_sub(asked.elapsed()));
            waits.observe(asked.elapsed().as_secs_f64());
            caller.waited("wait for a connection");
            let mut connection = connection.map_err(no_connection)?;
            let span = caller.span("work with the database", Kind::Client);
            span.set("db.system.name", "postgresql");
            let done = span.within(|| connection.work(act));
            if done.as_ref().is_err_and(|problem: &Problem| problem.code.status().is_server_error()) {
                span.fail("database");
            }
            done
        };
        let working = connections.threads.run(WAIT.saturating_sub(asked.elapsed()), work);
        tokio::pin!(working);
        loop {
            let slow = async {
                tokio::time::sleep(SLOW).await;
                self.health.responds().await
            };
            // Completed work takes precedence over the result of the probe.
            tokio::select! {
                biased;
                done = &mut working => return match done {
                    Some(done) => done.map_err(Problem::internal)?,
                    None => {
                        self.connections.replace_if_stuck(&connections, LONGEST);
                        Err(self.nothing_free(asked))
                    }
                },
                responds = slow => {
                    if !responds {
                        return Err(Problem::unavailable("PostgreSQL does not answer").because(Reason::Database));
                    }
                    // Without a limit, work is given up with the connections that it uses.
                    let is_replaced = limit.is_none() && !Arc::ptr_eq(&connections, &self.connections.get());
                    if is_replaced || limit.is_some_and(|limit| asked.elapsed() >= limit) {
                        let cause = "the database has not completed the work in time; it may still succeed";
                        return Err(Problem::unavailable(cause).because(Reason::Database));
                    }
                },
            }
        }
    }

    #[track_caller]
    fn nothing_free(&self, asked: Instant) -> Problem {
        self.waits.observe(asked.elapsed().as_secs_f64());
        no_connection("no connection was free in time")
    }

    /// A connection outside of the pool, for a lock that is held for as long as something runs.
    ///
    /// # Errors
    /// A 503 if the database does not answer.
    pub fn apart(&self) -> Result<PgConnection> {
        session::on(&self.hosts, Bounds::Request).map_err(Problem::unavailable)
    }

    /// A second connection for work that is divided, if one is ready and most of the pool is free; it never waits.
    pub fn spare(&self) -> Option<PooledConnection<Manager>> {
        let pool = &self.connections.get().pool;
        let state = pool.state();
        let busy = state.connections.saturating_sub(state.idle_connections);
        if 2 * busy < self.size() { pool.try_get() } else { None }
    }

    /// The maximum number of connections.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// How long work waited for a connection, for the metrics.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    /// The number of connections in use for new work.
    pub fn state(&self) -> r2d2::State {
        self.connections.get().pool.state()
    }

    /// The numbers of open and of unused connections, those that do not respond and were replaced included.
    pub fn connections(&self) -> (u32, u32) {
        self.connections.count()
    }

    /// A connection for work outside of requests.
    ///
    /// # Errors
    /// A 503 if none is free in time.
    pub fn connection(&self) -> Result<PooledConnection<Manager>> {
        self.connections.get().pool.get().map_err(no_connection)
    }
}

#[track_caller]
fn no_connection(cause: impl std::fmt::Display) -> Problem {
    Problem::unavailable(cause).because(Reason::Connection)
}
