//! The owner of a webhook: the events go out with the rights that they have at that moment.

use chrono_tz::Tz;
use diesel::prelude::*;
use uuid::Uuid;

use super::ending::{self, WebhookEndedReason};
use crate::auth::policy::Action;
use crate::events::reader::Reader;
use crate::http::Actor;
use crate::problem::{Code, Result};

/// What the owner may see now; `None` if they may have no webhook any more.
///
/// # Errors
/// The error of the database.
pub fn reader(db: &mut PgConnection, owner_id: Uuid, timezone: Tz) -> Result<Option<Reader>> {
    let found = Actor::by_server(db, owner_id, Action::ManageWebhooks, timezone);
    match found {
        Ok(owner) if owner.rights().permitted(&[Action::FollowEvents]).is_some() => {
            Ok(Some(Reader::new(&owner)))
        }
        Ok(_) => Ok(None),
        Err(problem) if matches!(problem.code, Code::Unauthenticated | Code::Forbidden) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The same for a webhook, which ends if its owner may have none: what waits is kept for the next owner.
///
/// # Errors
/// The error of the database.
pub fn reader_or_end(
    db: &mut PgConnection,
    webhook_id: Uuid,
    owner_id: Uuid,
    timezone: Tz,
) -> Result<Option<Reader>> {
    let reader = reader(db, owner_id, timezone)?;
    if reader.is_none() {
        ending::end(db, webhook_id, WebhookEndedReason::Owner)?;
    }
    Ok(reader)
}
