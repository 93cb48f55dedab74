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
        let round = desk.db.run(move |db| {
            once(db, &config);
            Ok(())
        });
        if let Err(problem) = round.await {
            log::warn!("the periodic tasks failed and will be retried: {}", problem.log_line());
        }
        match removed::sweep(&desk, removed::WAIT).await {
            Ok(0) => {}
            Ok(count) => log::info!("unused files removed: {count}"),
            Err(problem) => {
                log::warn!("the removal of unused files failed and will be retried: {}", problem.log_line())
            }
        }
        if temporary_files_swept.is_none_or(|last| last.elapsed() >= SWEEP_TEMPORARY_FILES) {
            temporary_files_swept = Some(Instant::now());
            match content::sweep_temporary(&desk, content::ABANDONED).await {
                Ok(0) => {}
                Ok(count) => log::info!("temporary files of unfinished uploads removed: {count}"),
                Err(problem) => log::warn!(
                    "the removal of temporary files failed and will be retried: {}",
                    problem.log_line()
                ),
            }
        }
        if let Err(problem) = inbound::process::waiting(&desk).await {
            log::warn!("the processing of received mail failed and will be retried: {}", problem.log_line());
        }
    }
}

/// One round. If a task fails, the error is logged and the other tasks still run.
pub fn once(db: &mut PgConnection, config: &Config) {
    limit(db, Bounds::Task);
    tasks(db, config);
    // The connection returns to the requests.
    limit(db, Bounds::Request);
}

fn limit(db: &mut PgConnection, bounds: Bounds) {
    if let Err(error) = session::begin(db, bounds) {
        log::warn!("the time limits of a round of the background tasks were not set: {error}");
    }
}

fn tasks(db: &mut PgConnection, config: &Config) {
    let days = config.close_after_days;
    each(db, "numbering of the audit log", |db, _| sequence::run(db, IfBusy::Return).map(|_| 0));
    each(db, "tree heads signed", |db, now| heads::make_due(db, &config.audit, config.timezone, now));
    each(db, "messages queued by a clock that was ahead", |db, _| delivery::catch_up(db));
    each(db, "tickets returned from people who can no longer attend to them", |db, _| {
        release::return_open_work(db, config.timezone)
    });
    each(db, "provisional attention clocks started", |db, _| {
        running::begin_missing(db, config.provisional_criticality, config.timezone)
    });
    each(db, "messages about tickets that wait for staff", |db, _| staff_calls::tell(db, config));
    each(db, "notices about attention that is due soon or overdue", |db, _| {
        watch::notify(db, config.timezone)
    });
    each(db, "solved tickets closed", |db, now| closing::close_solved(db, days, config.timezone, now));
    each(db, "tickets archived without an answer of the requester", |db, now| {
        information_deadline::archive_unanswered(db, now, config.timezone)
    });
    each(db, "missing working times computed", |db, _| working::fill_in(db, config.timezone));
    each(db, "survey reminders queued", |db, now| reminder::send(db, config, now));
    each(db, "notices about overdue improvement actions", |db, now| {
        overdue::notify(db, config.timezone, now)
    });
    each(db, "expired records removed", |db, now| {
        let (removed, outcome) = removal::remove(db, config.timezone, now, Which::NotYetToday);
        outcome?;
        Ok(removed.iter().map(|one| usize::try_from(one.count).unwrap_or(usize::MAX)).sum())
    });
    each(db, "expired idempotency keys removed", |db, now| {
        let old = idempotency_keys::created_at.lt(now - chrono::Duration::hours(KEPT_HOURS));
        Ok(diesel::delete(idempotency_keys::table).filter(old).execute(db)?)
    });
    each(db, "old deliveries of webhooks removed", removal_of_deliveries::remove);
    each(db, "expired jobs removed", removal_of_jobs::remove);
    each(db, "requests for a link to set a password processed", |db, _| request::process(db));
    each(db, "expired links to set a password removed", |db, _| links::remove_expired(db));
    each(db, "people who have left a ticket removed", |db, _| presence::rows::remove_expired(db));
    each(db, "unused tickets for streams removed", |db, _| stream_tickets::remove_expired(db));
    each(db, "expired sign-in attempts removed", |db, _| attempts::clean(db));
    each(db, "expired refresh tokens removed", |db, now| {
        Ok(diesel::delete(refresh_tokens::table).filter(refresh_tokens::expires_at.lt(now)).execute(db)?)
    });
}

/// Runs one of the tasks, with the database's clock, and logs how many items it processed.
fn each(
    db: &mut PgConnection,
    what: &str,
    act: impl FnOnce(&mut PgConnection, DateTime<Utc>) -> Result<usize>,
) {
    match crate::db::now(db).and_then(|now| act(db, now)) {
        Ok(0) => {}
        Ok(count) => log::info!("{what}: {count}"),
        Err(problem) => log::error!("{what}: failed, will be retried: {}", problem.log_line()),
    }
}
