//! What the desk does by itself, every few seconds, whichever copy of the server comes first.

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
use crate::http::desk::Desk;
use crate::http::idempotency::KEPT_HOURS;
use crate::improvement::actions::overdue;
use crate::inbound;
use crate::outbox::delivery;
use crate::problem::Result;
use crate::retention::removal::{self, Which};
use crate::surveys::reminder;
use crate::tickets::attention::working;
use crate::tickets::{closing, information_deadline, watch};

const EVERY: Duration = Duration::from_secs(15);

/// How often temporary files are looked for: the object store lists them.
const SWEEP_TEMPORARY_FILES: Duration = Duration::from_secs(10 * 60);

/// Goes on until the server stops.
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
            log::warn!("the routine will try again: {}", problem.log_line());
        }
        match removed::sweep(&desk, removed::WAIT).await {
            Ok(0) => {}
            Ok(count) => log::info!("files removed that nothing needs: {count}"),
            Err(problem) => log::warn!("files to be removed will be tried again: {}", problem.log_line()),
        }
        if temporary_files_swept.is_none_or(|last| last.elapsed() >= SWEEP_TEMPORARY_FILES) {
            temporary_files_swept = Some(Instant::now());
            match content::sweep_temporary(&desk, content::ABANDONED).await {
                Ok(0) => {}
                Ok(count) => log::info!("temporary files of unfinished uploads removed: {count}"),
                Err(problem) => log::warn!("temporary files stay for now: {}", problem.log_line()),
            }
        }
        if let Err(problem) = inbound::process::waiting(&desk).await {
            log::warn!("mail that came in will be tried again: {}", problem.log_line());
        }
    }
}

/// One round. Where one thing fails, the log says so and the others are done all the same.
pub fn once(db: &mut PgConnection, config: &Config) {
    let days = config.close_after_days;
    each(db, "positions in the log of all events", |db, _| sequence::run(db, IfBusy::Return).map(|_| 0));
    each(db, "tree heads signed", |db, now| heads::make_due(db, &config.audit, config.timezone, now));
    each(db, "messages due at once that a clock ahead of this one had queued", |db, _| {
        delivery::catch_up(db)
    });
    each(db, "tickets told of whose attention is due soon or overdue", |db, _| {
        watch::tell(db, config.timezone)
    });
    each(db, "tickets closed that were solved long enough ago", |db, now| {
        closing::close_solved(db, days, config.timezone, now)
    });
    each(db, "tickets archived whose requester did not answer", |db, now| {
        information_deadline::archive_unanswered(db, now, config.timezone)
    });
    each(db, "working times reckoned that were not kept", |db, _| working::fill_in(db, config.timezone));
    each(db, "surveys reminded of", |db, now| reminder::send(db, config, now));
    each(db, "improvement actions told of that are overdue", |db, now| {
        overdue::tell(db, config.timezone, now)
    });
    each(db, "records removed that were kept for long enough", |db, now| {
        let (removed, outcome) = removal::remove(db, config.timezone, now, Which::NotYetToday);
        outcome?;
        Ok(removed.iter().map(|one| usize::try_from(one.count).unwrap_or(usize::MAX)).sum())
    });
    each(db, "retries forgotten", |db, now| {
        let old = idempotency_keys::created_at.lt(now - chrono::Duration::hours(KEPT_HOURS));
        Ok(diesel::delete(idempotency_keys::table).filter(old).execute(db)?)
    });
    each(db, "requests for a link to set a password processed", |db, _| request::process(db));
    each(db, "expired links to set a password removed", |db, _| links::remove_expired(db));
    each(db, "attempts to sign in forgotten", |db, _| attempts::clean(db));
    each(db, "refresh tokens forgotten", |db, now| {
        Ok(diesel::delete(refresh_tokens::table).filter(refresh_tokens::expires_at.lt(now)).execute(db)?)
    });
}

/// Does one of the things, by the database's clock, and says how often it was to be done.
fn each(
    db: &mut PgConnection,
    what: &str,
    act: impl FnOnce(&mut PgConnection, DateTime<Utc>) -> Result<usize>,
) {
    match crate::db::now(db).and_then(|now| act(db, now)) {
        Ok(0) => {}
        Ok(count) => log::info!("{what}: {count}"),
        Err(problem) => log::error!("{what}: not done, to be tried again: {}", problem.log_line()),
    }
}
