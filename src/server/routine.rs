//! The periodic tasks of the desk, every few seconds; any instance of the server can run them.

use std::time::{Duration, Instant};

use actix_web::web::Data;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::account::attempts;
use crate::account::password_links::{links, request};
use crate::attachments::{content, removed};
use crate::audit::tree::heads;
use crate::audit::tree::sequence::{self, IfBusy};
use crate::config::Config;
use crate::db::schema::{idempotency_keys, refresh_tokens};
use crate::db::session::{self, Bounds};
use crate::http::desk::Desk;
use crate::http::idempotency::KEPT_HOURS;
use crate::http::stream_tickets;
use crate::improvement::actions::overdue;
use crate::inbound;
use crate::jobs::removal as removal_of_jobs;
use crate::outbox::delivery;
use crate::problem::Result;
use crate::retention::removal::{self, Which};
use crate::surveys::reminder;
use crate::system::tasks::{self, Run, TaskName};
use crate::telemetry::traces::{Kind, Span};
use crate::tickets::attention::{running, working};
use crate::tickets::{closing, information_deadline, presence, release, staff_calls, watch};
use crate::webhooks::removal as removal_of_deliveries;

const EVERY: Duration = Duration::from_secs(15);

/// How often temporary files are searched for, which requires a listing of the object store.
const SWEEP_TEMPORARY_FILES: Duration = Duration::from_secs(10 * 60);

/// Runs until the server stops.
pub async fn run(desk: Data<Desk>) {
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut temporary_files_swept: Option<Instant> = None;
    loop {
        clock.tick().await;
        let config = desk.config.clone();
        match desk.db.run_long(move |db| Ok(once(db, &config))).await {
            Ok(runs) => runs.iter().for_each(|run| run.count(&desk)),
            Err(problem) => {
                log::warn!("the periodic tasks failed and will be retried: {}", problem.log_line());
            }
        }
        let sweep = removed::sweep(&desk, removed::WAIT);
        apart(&desk, TaskName::RemoveUnusedFiles, "unused files removed", sweep).await;
        if temporary_files_swept.is_none_or(|last| last.elapsed() >= SWEEP_TEMPORARY_FILES) {
            temporary_files_swept = Some(Instant::now());
            let sweep = content::sweep_temporary(&desk, content::ABANDONED);
            apart(
                &desk,
                TaskName::RemoveTemporaryFiles,
                "temporary files of unfinished uploads removed",
                sweep,
            )
            .await;
        }
        let process = async { inbound::process::waiting(&desk).await.map(|_| 0) };
        apart(&desk, TaskName::ProcessInboundEmails, "received mail processed", process).await;
    }
}

/// A task that does not hold a connection for as long as it runs.
async fn apart(desk: &Desk, task: TaskName, what: &str, act: impl Future<Output = Result<usize>>) {
    let began = Instant::now();
    let span = Span::root(task.as_str(), Kind::Internal);
    let done = span.around(act).await;
    if done.is_err() {
        span.fail("failed");
    }
    drop(span);
    let error = report(what, done, log::Level::Warn);
    tasks::ended(desk, Run::ended(task, began, error)).await;
}

/// Logs what a task did, at this level if it failed; returns its error.
fn report(what: &str, done: Result<usize>, if_failed: log::Level) -> Option<String> {
    match done {
        Ok(0) => None,
        Ok(count) => {
            log::info!("{what}: {count}");
            None
        }
        Err(problem) => {
            let error = problem.log_line();
            log::log!(if_failed, "{what}: failed, will be retried: {error}");
            Some(error)
        }
    }
}

/// One round, and its record in the database. If a task fails, the error is logged and the other tasks still run.
pub fn once(db: &mut PgConnection, config: &Config) -> Vec<Run> {
    limit(db, config, Bounds::Task);
    let mut round = Round { db, runs: Vec::new() };
    carry_out(&mut round, config);
    let runs = round.runs;
    if let Err(problem) = tasks::record(db, &runs) {
        log::warn!("the runs of the background tasks were not recorded: {}", problem.log_line());
    }
    // The connection returns to the requests.
    limit(db, config, Bounds::Request);
    runs
}

fn limit(db: &mut PgConnection, config: &Config, bounds: Bounds) {
    // A pooler's sessions are not only ours: the limits of requests apply.
    if config.direct_database_url.is_some() {
        return;
    }
    if let Err(error) = session::begin(db, bounds) {
        log::warn!("the time limits of a round of the background tasks were not set: {error}");
    }
}

fn carry_out(round: &mut Round<'_>, config: &Config) {
    let days = config.close_after_days;
    round.run(TaskName::NumberLogEntries, "numbering of the audit log", |db, _| {
        sequence::run(db, IfBusy::Return).map(|_| 0)
    });
    round.run(TaskName::SignTreeHeads, "tree heads signed", |db, now| {
        heads::make_due(db, &config.audit, config.timezone, now)
    });
    round.run(TaskName::CorrectMessageTimes, "messages queued by a clock that was ahead", |db, _| {
        delivery::catch_up(db)
    });
    round.run(
        TaskName::ReturnOpenWork,
        "tickets returned from people who can no longer attend to them",
        |db, _| release::return_open_work(db, config.timezone),
    );
    round.run(TaskName::StartAttentionClocks, "provisional attention clocks started", |db, _| {
        running::begin_missing(db, config.provisional_criticality, config.timezone)
    });
    round.run(TaskName::NotifyStaff, "messages about tickets that wait for staff", |db, _| {
        staff_calls::tell(db, config)
    });
    round.run(
        TaskName::NotifyDueAttention,
        "notices about attention that is due soon or overdue",
        |db, _| watch::notify(db, config.timezone),
    );
    round.run(TaskName::CloseSolvedTickets, "solved tickets closed", |db, now| {
        closing::close_solved(db, days, config.timezone, now)
    });
    round.run(
        TaskName::ArchiveUnansweredTickets,
        "tickets archived without an answer of the requester",
        |db, now| information_deadline::archive_unanswered(db, now, config.timezone),
    );
    round.run(TaskName::ComputeWorkingTimes, "missing working times computed", |db, _| {
        working::fill_in(db, config.timezone)
    });
    round.run(TaskName::QueueSurveyReminders, "survey reminders queued", |db, now| {
        reminder::send(db, config, now)
    });
    round.run(TaskName::NotifyOverdueActions, "notices about overdue improvement actions", |db, now| {
        overdue::notify(db, config.timezone, now)
    });
    round.run(TaskName::RemoveExpiredRecords, "expired records removed", |db, now| {
        let (removed, outcome) = removal::remove(db, config.timezone, now, Which::NotYetToday);
        outcome?;
        Ok(removed.iter().map(|one| usize::try_from(one.count).unwrap_or(usize::MAX)).sum())
    });
    round.run(TaskName::RemoveIdempotencyKeys, "expired idempotency keys removed", |db, now| {
        let old = idempotency_keys::created_at.lt(now - chrono::Duration::hours(KEPT_HOURS));
        Ok(diesel::delete(idempotency_keys::table).filter(old).execute(db)?)
    });
    round.run(
        TaskName::RemoveWebhookDeliveries,
        "old deliveries of webhooks removed",
        removal_of_deliveries::remove,
    );
    round.run(TaskName::RemoveJobs, "expired jobs removed", removal_of_jobs::remove);
    round.run(
        TaskName::ProcessPasswordRequests,
        "requests for a link to set a password processed",
        |db, _| request::process(db),
    );
    round.run(TaskName::RemovePasswordLinks, "expired links to set a password removed", |db, _| {
        links::remove_expired(db)
    });
    round.run(TaskName::RemovePresence, "people who have left a ticket removed", |db, _| {
        presence::rows::remove_expired(db)
    });
    round.run(TaskName::RemoveStreamTickets, "unused tickets for streams removed", |db, _| {
        stream_tickets::remove_expired(db)
    });
    round
        .run(TaskName::RemoveSignInAttempts, "expired sign-in attempts removed", |db, _| attempts::clean(db));
    round.run(TaskName::RemoveRefreshTokens, "expired refresh tokens removed", |db, now| {
        Ok(diesel::delete(refresh_tokens::table).filter(refresh_tokens::expires_at.lt(now)).execute(db)?)
    });
}

/// The runs of one round, on one connection.
struct Round<'a> {
    db: &'a mut PgConnection,
    runs: Vec<Run>,
}

impl Round<'_> {
    /// Runs one of the tasks, with the database's clock, and logs how many items it processed.
    fn run(
        &mut self,
        task: TaskName,
        what: &str,
        act: impl FnOnce(&mut PgConnection, DateTime<Utc>) -> Result<usize>,
    ) {
        let began = Instant::now();
        let span = Span::root(task.as_str(), Kind::Internal);
        let done = span.within(|| crate::db::now(self.db).and_then(|now| act(self.db, now)));
        if done.is_err() {
            span.fail("failed");
        }
        drop(span);
        let error = report(what, done, log::Level::Error);
        self.runs.push(Run::ended(task, began, error));
    }
}
