//! Warning of improvement actions whose due date has passed.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use uuid::Uuid;

use super::{ActionStatus, actions};
use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::outbox::{self, MessageKind};
use crate::problem::{Problem, Result};

/// The number of actions that one transaction processes.
const BATCH: i64 = 100;

/// Notifies the owner and the directors, once, of each open action whose due date has passed by the entity's clock;
/// returns the number of actions. Copies of the server that do it at the same time share the work.
///
/// # Errors
/// The database returns an error; notifications committed before are kept.
pub fn notify(db: &mut PgConnection, timezone: Tz, now: DateTime<Utc>) -> Result<usize> {
    let mut told = 0;
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| {
            let late: Vec<(Uuid, Uuid)> = actions::table
                .filter(actions::status.eq(ActionStatus::Open))
                .filter(actions::overdue_told_at.is_null())
                .filter(actions::due_on.lt(now.with_timezone(&timezone).date_naive()))
                .order(actions::due_on)
                .limit(BATCH)
                .select((actions::id, actions::owner_id))
                .for_update()
                .skip_locked()
                .load(tx)?;
            if late.is_empty() {
                return Ok(0);
            }
            let directors: Vec<Uuid> = users::table
                .filter(users::active)
                .filter(users::role.eq(Role::Director))
                .order(users::id)
                .select(users::id)
                .load(tx)?;
            let pairs = late.iter().flat_map(|(action, owner)| {
                let others = directors.iter().filter(move |director| *director != owner);
                std::iter::once(owner).chain(others).map(move |reader| (*action, *reader))
            });
            outbox::queue_about_actions(tx, MessageKind::ActionOverdue, &pairs.collect::<Vec<_>>(), now)?;
            let ids: Vec<Uuid> = late.iter().map(|(action, _)| *action).collect();
            diesel::update(actions::table.filter(actions::id.eq_any(ids)))
                .set(actions::overdue_told_at.eq(now))
                .execute(tx)?;
            Ok(late.len())
        })?;
        told += batch;
        if batch == 0 {
            return Ok(told);
        }
    }
}
