//! What the desk does by itself, every few seconds, whichever copy of the server comes first.

use std::time::Duration;

use actix_web::web::Data;
use chrono::Utc;
use diesel::prelude::*;

use crate::auth::attempts;
use crate::config::Config;
use crate::db::schema::{idempotency_keys, refresh_tokens};
use crate::desk::Desk;
use crate::http::idempotency::KEPT_HOURS;
use crate::problem::Result;
use crate::tickets::{closing, silence, watch};

const EVERY: Duration = Duration::from_secs(15);

/// Goes on until the server stops.
pub async fn run(desk: Data<Desk>) {
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let config = desk.config.clone();
        if let Err(problem) = desk.db.run(move |db| once(db, &config)).await {
            log::warn!("the routine will try again: {}", problem.log_line().unwrap_or_default());
        }
    }
}

/// One round.
///
/// # Errors
/// What the database answers; what was done stays done.
pub fn once(db: &mut PgConnection, config: &Config) -> Result<()> {
    let told = watch::tell(db, config.timezone)?;
    if told > 0 {
        log::info!("told of {told} tickets whose attention is due soon or overdue");
    }
    let now = Utc::now();
    let closed = closing::close_solved(db, config.close_after_days, now)?;
    if closed > 0 {
        log::info!("closed {closed} tickets that were solved {} days ago or longer", config.close_after_days);
    }
    let archived = silence::archive_unanswered(db, now, config.timezone)?;
    if archived > 0 {
        log::info!("archived {archived} tickets whose requester did not answer");
    }
    diesel::delete(idempotency_keys::table)
        .filter(idempotency_keys::created_at.lt(now - chrono::Duration::hours(KEPT_HOURS)))
        .execute(db)?;
    attempts::clean(db)?;
    diesel::delete(refresh_tokens::table).filter(refresh_tokens::expires_at.lt(now)).execute(db)?;
    Ok(())
}
