//! The state that all requests of one server share.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use object_store::ObjectStore;
use tokio::sync::{Notify, watch};

use super::admissions::Admissions;
use super::body_memory::BodyMemory;
use super::limits::Limits;
use super::sign_in_limits::SignInLimits;
use super::traffic::Traffic;
use super::upload_slots::UploadSlots;
use crate::auth::tokens::Tokens;
use crate::config::Config;
use crate::db::Db;
use crate::db::replica::Replica;
use crate::problem::{Problem, Result};

/// The running desk. It holds no data that must survive the process: every copy of the server has the same.
pub struct Desk {
    pub db: Db,
    /// A standby for reading.
    pub replica: Option<Replica>,
    pub tokens: Tokens,
    pub files: Arc<dyn ObjectStore>,
    pub config: Config,
    pub traffic: Traffic,
    pub limits: Limits,
    /// Where attempts to sign in cannot be counted in the database.
    pub sign_in_limits: SignInLimits,
    pub body_memory: Arc<BodyMemory>,
    pub uploads: UploadSlots,
    pub admissions: Arc<Admissions>,
    /// Notified after each change that a request made, for those who wait for new events.
    pub written: Notify,
    /// What this copy of the server is doing.
    pub phase: watch::Sender<Phase>,
}

/// From the start of a copy of the server to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits for the database and its migrations.
    Starting,
    Serving,
    /// It was asked to stop, and serves until balancers have noticed that it is not ready.
    Draining,
    /// It completes open requests; those that wait for events end.
    Stopping,
}

impl Desk {
    /// For reading much: the standby if it has everything that was committed until now, otherwise the primary.
    pub async fn reading(&self) -> Db {
        let caught_up = match &self.replica {
            Some(replica) => replica.caught_up(&self.db).await,
            None => None,
        };
        caught_up.unwrap_or_else(|| self.db.clone())
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The one that the app was built with.
    pub fn of_app(request: &HttpRequest) -> Result<web::Data<Self>> {
        request.app_data::<web::Data<Self>>().cloned().ok_or_else(|| Problem::internal("the app has no desk"))
    }
}
