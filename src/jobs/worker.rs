//! Carries out jobs, in every copy of the server.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use diesel::Connection;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::held::{Held, RENEWED_EVERY};
use super::job::JobKind;
use crate::http::desk::Desk;
use crate::http::schemas::Schemas;
use crate::problem::Result;

/// How often to look for jobs.
const LOOK: Duration = Duration::from_millis(500);
/// How many jobs this copy of the server carries out at once.
const AT_ONCE: usize = 2;

/// Does the work of one job. It returns when the job has ended or was given back.
pub type CarryOut = fn(Data<Desk>, Arc<Schemas>, Arc<Held>) -> LocalBoxFuture<'static, Result<()>>;

/// The jobs of the desk.
#[derive(Clone)]
pub struct Jobs {
    pub desk: Data<Desk>,
    pub schemas: Arc<Schemas>,
    pub carry_out: CarryOut,
}

impl Jobs {
    /// Carries out jobs until it is stopped, and gives back those that have not ended.
    pub async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let (mut working, mut fails, exports) = (JoinSet::new(), false, Rc::new(Cell::new(0)));
        loop {
            while working.len() < AT_ONCE {
                // Operations are carried out beside an export, however long it takes.
                let with_exports = exports.get() == 0;
                match self.desk.db.run(move |db| Held::take(db, with_exports)).await {
                    Ok(Some(held)) => {
                        fails = false;
                        let (work, exports) = (self.clone(), Rc::clone(&exports));
                        let is_export = u8::from(held.kind == JobKind::TicketExport);
                        exports.set(exports.get() + is_export);
                        working.spawn_local(async move {
                            work.one(held).await;
                            exports.set(exports.get() - is_export);
                        });
                    }
                    Ok(None) => {
                        fails = false;
                        break;
                    }
                    Err(problem) => {
                        if !std::mem::replace(&mut fails, true) {
                            log::warn!("jobs are not carried out, will be retried: {}", problem.log_line());
                        }
                        break;
                    }
                }
            }
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                Some(_) = working.join_next(), if !fails => {},
                () = sleep(LOOK) => {}
            }
        }
        while working.join_next().await.is_some() {}
    }

    /// Carries out the jobs that wait, one after the other; returns how many were begun, again for each time that one was given
    /// back.
    ///
    /// # Errors
    /// The error of the database.
    pub async fn round(&self) -> Result<usize> {
        let mut begun = 0;
        while let Some(held) = self.desk.db.run(|db| Held::take(db, true)).await? {
            begun += 1;
            self.clone().one(held).await;
        }
        Ok(begun)
    }

    async fn one(self, held: Held) {
        let held = Arc::new(held);
        let work = (self.carry_out)(self.desk.clone(), Arc::clone(&self.schemas), Arc::clone(&held));
        tokio::pin!(work);
        let mut renewal = interval(RENEWED_EVERY);
        renewal.tick().await;
        let done = loop {
            tokio::select! {
                biased;
                done = &mut work => break done,
                _ = renewal.tick() => {
                    let held = Arc::clone(&held);
                    // If it fails, another copy of the server may take the job.
                    if let Err(problem) = self.desk.db.run(move |db| held.renew(db)).await {
                        log::warn!("the lease of a job was not renewed: {}", problem.log_line());
                    }
                }
            }
        };
        if let Err(problem) = done {
            if problem.code.status().is_server_error() {
                log::error!("job {}: {}", held.id, problem.log_line());
            }
            let recorded = self.desk.db.run(move |db| db.transaction(|tx| held.failed(tx, &problem))).await;
            if let Err(problem) = recorded {
                log::warn!("the failure of a job is not recorded yet: {}", problem.log_line());
            }
        }
    }
}
