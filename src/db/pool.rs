//! The pool's objects: a connection, and when it last worked.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, InstrumentationEvent};
use diesel::pg::PgConnection;
use diesel::r2d2::{CustomizeConnection, ManageConnection, R2D2Connection};
use diesel::result::{DatabaseErrorKind, Error};

use super::hosts::Hosts;
use super::session::{self, Bounds};

/// How long a connection that worked is reused without a check: under load, an additional query for each request
/// would cost as much as reading a ticket.
const TRUSTED: Duration = Duration::from_secs(1);

/// The maximum number of statements that a connection may have prepared: it keeps each one, and a client who tries
/// all filters of a list creates as many. A connection with more is replaced.
const PREPARED: usize = 1000;

/// A connection of the pool.
pub struct Held {
    connection: PgConnection,
    /// `None` if the last work failed or did not finish.
    worked_at: Option<Instant>,
    prepared: Arc<AtomicUsize>,
    /// Whether the server refused a change because it is a standby: it became one since the connection was opened.
    is_read_only: Arc<AtomicBool>,
}

impl Held {
    /// Works with the connection, and records whether the work succeeded.
    pub fn work<T, E>(
        &mut self,
        act: impl FnOnce(&mut PgConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        // If the work ends without a success, including by a panic, the connection must be checked.
        self.worked_at = None;
        let done = act(&mut self.connection);
        self.worked_at = done.is_ok().then(Instant::now);
        done
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.worked_at = None;
        &mut self.connection
    }
}

/// Opens connections, and checks an uncertain one before it is used again.
#[derive(Debug)]
pub struct Manager {
    hosts: Arc<Hosts>,
    session: Session,
}

impl Manager {
    pub fn new(hosts: Arc<Hosts>, session: Session) -> Self {
        Manager { hosts, session }
    }
}

impl ManageConnection for Manager {
    type Connection = Held;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<Held, Self::Error> {
        let mut connection = self.hosts.connect().map_err(diesel::r2d2::Error::ConnectionError)?;
        let (prepared, is_read_only) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, refuses) = (Arc::clone(&prepared), Arc::clone(&is_read_only));
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::CacheQuery { .. } => {
                count.fetch_add(1, Ordering::Relaxed);
            }
            InstrumentationEvent::FinishQuery {
                error: Some(Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)),
                ..
            } => refuses.store(true, Ordering::Relaxed),
            _ => {}
        });
        Ok(Held { connection, worked_at: None, prepared, is_read_only })
    }

    fn is_valid(&self, held: &mut Held) -> std::result::Result<(), Self::Error> {
        match held.worked_at {
            Some(at) if at.elapsed() < TRUSTED => Ok(()),
            _ => match self.session {
                Session::Own | Session::OfPooler => session::check_changeable(&mut held.connection),
                Session::OfStandby => session::check(&mut held.connection),
            }
            .map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        std::thread::panicking()
            || held.prepared.load(Ordering::Relaxed) > PREPARED
            || held.is_read_only.load(Ordering::Relaxed)
            || held.connection.is_broken()
    }
}

/// How each connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// It has a session of PostgreSQL, with time limits.
    Own,
    /// A pooler in transaction mode gives each transaction any session: their time limits are settings of the role, and
    /// nothing may be set for a session.
    OfPooler,
    /// One for reading, which refuses changes: the server may be a standby.
    OfStandby,
}

impl CustomizeConnection<Held, diesel::r2d2::Error> for Session {
    fn on_acquire(&self, connection: &mut Held) -> std::result::Result<(), diesel::r2d2::Error> {
        match self {
            Session::Own => session::begin(connection, Bounds::Request),
            Session::OfStandby => {
                session::begin(connection, Bounds::Request).and_then(|()| session::refuse_changes(connection))
            }
            Session::OfPooler => Ok(()),
        }
        .map_err(diesel::r2d2::Error::QueryError)
    }
}
