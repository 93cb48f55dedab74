//! What every request of one server shares.

use std::sync::Arc;

use object_store::ObjectStore;

use crate::attachments::slots::UploadSlots;
use crate::auth::tokens::Tokens;
use crate::config::Config;
use crate::db::Db;
use crate::http::body_memory::BodyMemory;
use crate::http::limits::Limits;
use crate::http::traffic::Traffic;

/// The running desk. Nothing that matters is lost with the process: a second copy of the server has the same.
pub struct Desk {
    pub db: Db,
    pub tokens: Tokens,
    pub files: Arc<dyn ObjectStore>,
    pub config: Config,
    pub traffic: Traffic,
    pub limits: Limits,
    pub body_memory: Arc<BodyMemory>,
    pub uploads: UploadSlots,
}
