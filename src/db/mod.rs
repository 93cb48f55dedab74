//! PostgreSQL: the pool with its access for requests, the schema and the private server.

pub mod acting;
mod among;
pub mod cursor;
mod database_health;
pub mod json;
mod literal;
pub mod migrations;
mod pool;
pub mod private;
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
use diesel::r2d2::Pool;
use prometheus::{Histogram, HistogramOpts};

use self::database_health::DatabaseHealth;
use self::pool::{Manager, Session};
use self::session::Bounds;
use self::threads::Threads;
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

/// A pool of connections, and the same number of threads that work with them.
#[derive(Clone)]
pub struct Db {
    url: Arc<str>,
    pool: Pool<Manager>,
    threads: Arc<Threads>,
    health: Arc<DatabaseHealth>,
    waits: Histogram,
}

impl Db {
    /// A pool of at most `size` connections to the database of this URL; opens the first at once.
    ///
    /// # Errors
    /// The error of PostgreSQL or the network for the first connection, or of the system for the threads.
    pub fn connect(url: &str, size: u32) -> std::result::Result<Self, Box<dyn Error + Send + Sync>> {
        let url: Arc<str> = session::bounded(url).into();
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .connection_customizer(Box::new(Session))
            .build(Manager::new(&url))?;
        let threads = Arc::new(Threads::start(size as usize)?);
        let health = Arc::new(DatabaseHealth::new(Arc::clone(&url)));
        let waits = HistogramOpts::new(
            "mesa_db_connection_wait_seconds",
            "How long work waited for a connection to PostgreSQL, also if it got none.",
        );
        let waits = Histogram::with_opts(waits.buckets(WAITS.to_vec()))?;
        Ok(Db { url, pool, threads, health, waits })
    }

    /// Runs `act` with a connection, on other threads than those that serve the network. The only place that combines
    /// blocking work and the pool.
    ///
    /// # Errors
    /// A 503 if no connection is free in time, and if PostgreSQL does not respond: work that was begun may still
    /// succeed. Otherwise the error of `act`.
    pub async fn run<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let (pool, waits, asked) = (self.pool.clone(), self.waits.clone(), Instant::now());
        let caller = Caller::current();
        let work = move || {
            let connection = pool.get_timeout(WAIT.saturating_sub(asked.elapsed()));
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
        let working = self.threads.run(WAIT, work);
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
                        self.waits.observe(asked.elapsed().as_secs_f64());
                        Err(no_connection("no connection was free in time"))
                    }
                },
                beats = slow => if !beats {
                    return Err(Problem::unavailable("PostgreSQL does not answer").because(Reason::Database));
                },
            }
        }
    }

    /// A connection outside of the pool, for a lock that is held for as long as something runs.
    ///
    /// # Errors
    /// A 503 if the database does not answer.
    pub fn apart(&self) -> Result<PgConnection> {
        session::open(&self.url, Bounds::Request).map_err(Problem::unavailable)
    }

    /// A second connection for work that is divided, if one is ready and most of the pool is free; it never waits.
    pub fn spare(&self) -> Option<diesel::r2d2::PooledConnection<Manager>> {
        let state = self.pool.state();
        let busy = state.connections.saturating_sub(state.idle_connections);
        if 2 * busy < self.size() { self.pool.try_get() } else { None }
    }

    /// The maximum number of connections.
    pub fn size(&self) -> u32 {
        self.pool.max_size()
    }

    /// How long work waited for a connection, for the metrics.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    /// The number of connections.
    pub fn state(&self) -> r2d2::State {
        self.pool.state()
    }

    /// A connection for work outside of requests.
    ///
    /// # Errors
    /// A 503 if none is free in time.
    pub fn connection(&self) -> Result<diesel::r2d2::PooledConnection<Manager>> {
        self.pool.get().map_err(no_connection)
    }
}

#[track_caller]
fn no_connection(cause: impl std::fmt::Display) -> Problem {
    Problem::unavailable(cause).because(Reason::Connection)
}
