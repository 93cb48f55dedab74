//! The end of a webhook by the server.

use diesel::prelude::*;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::db::schema::webhooks;
use crate::language::text_enum;
use crate::outbox::notices;
use crate::problem::{Problem, Result};

text_enum! {
    /// Why the server ended a webhook.
    pub enum WebhookEndedReason {
        /// The receiver answered 410.
        Gone = "gone",
        /// All requests of five days failed.
        Failing = "failing",
        /// The owner is not active any more, or may not have webhooks.
        Owner = "owner",
    }
}

/// Ends a webhook that is active, and tells its owner. What waits is kept, and sent if the webhook becomes active again. Returns
/// whether it was active.
///
/// # Errors
/// The error of the database.
pub fn end(db: &mut PgConnection, webhook_id: Uuid, reason: WebhookEndedReason) -> Result<bool> {
    let now = crate::db::now(db)?;
    let ended = db.transaction(|tx| {
        let ended: Option<(Uuid, String)> =
            diesel::update(webhooks::table.find(webhook_id).filter(webhooks::active))
                .set((
                    webhooks::active.eq(false),
                    webhooks::ended_reason.eq(reason),
                    webhooks::version.eq(webhooks::version + 1),
                    webhooks::updated_at.eq(now),
                ))
                .returning((webhooks::owner_id, webhooks::url))
                .get_result(tx)
                .optional()?;
        if let Some((owner_id, url)) = &ended {
            // Without the path, which can contain a secret.
            let origin =
                Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
            let data = json!({"webhook_id": webhook_id, "origin": origin, "reason": reason});
            notices::queue_webhook_ended(tx, *owner_id, reason == WebhookEndedReason::Owner, &data, now)?;
        }
        Ok::<_, Problem>(ended)
    })?;
    if ended.is_some() {
        log::warn!("the webhook {webhook_id} ended: {}", reason.as_str());
    }
    Ok(ended.is_some())
}
