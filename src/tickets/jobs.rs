//! The jobs of tickets.

use std::sync::Arc;

use actix_web::web::Data;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{bulk, exports};
use crate::http::desk::Desk;
use crate::http::schemas::Schemas;
use crate::jobs::held::Held;
use crate::jobs::job::JobKind;
use crate::problem::Result;

/// Does the work of a job.
pub fn carry_out(
    desk: Data<Desk>,
    schemas: Arc<Schemas>,
    held: Arc<Held>,
) -> LocalBoxFuture<'static, Result<()>> {
    match held.kind {
        JobKind::TicketBulk => bulk::job::run(desk, schemas, held).boxed_local(),
        JobKind::TicketExport => exports::job::run(desk, schemas, held).boxed_local(),
    }
}
