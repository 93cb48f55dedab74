//! The state that all requests of one server share.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use object_store::ObjectStore;
use tokio::sync::{Notify, watch};

use super::admissions::Admissions;
use super::body_memory::BodyMemory;
use super::limits::Limits;
use super::traffic::Traffic;
use super::upload_slots::UploadSlots;
use crate::auth::tokens::Tokens;
use crate::config::Config;
use crate::db::Db;
use crate::problem::{Problem, Result};

/// The running desk. It holds no data that must survive the process: every copy of the server has the same.
pub struct Desk {
    pub db: Db,
    pub tokens: Tokens,
    pub files: Arc<dyn ObjectStore>,
    pub config: Config,
    pub traffic: Traffic,
    pub limits: Limits,
    pub body_memory: Arc<BodyMemory>,
    pub uploads: UploadSlots,
    pub admissions: Arc<Admissions>,
    /// Notified after each change that a request made, for those who wait for new events.
    pub written: Notify,
    /// Set once the server is asked to stop: requests that wait end.
    pub stopping: watch::Sender<bool>,
}

impl Desk {
    /// The one that the app was built with.
    pub fn of_app(request: &HttpRequest) -> Result<web::Data<Self>> {
        request.app_data::<web::Data<Self>>().cloned().ok_or_else(|| Problem::internal("the app has no desk"))
    }
}
