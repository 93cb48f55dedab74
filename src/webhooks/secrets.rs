//! A new secret of a webhook.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::secret;
use super::webhook::Webhook;
use crate::account::sessions;
use crate::auth::policy::Action;
use crate::db::acting;
use crate::db::schema::webhooks;
use crate::http::actor::next_version;
use crate::http::{Answer, Body, Call};
use crate::problem::Result;

/// For how long the previous secret stays valid if nothing is said, in hours.
const USUAL_HOURS: i64 = 24;

/// How to replace the secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSecretRequest {
    /// For how many hours requests are signed with the previous secret too; `0`: it is not used any more.
    #[schema(minimum = 0, maximum = 168, default = 24)]
    previous_valid_hours: Option<i64>,
}

/// The new secret of a webhook. It is only in this response.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    /// The secret with which each request is signed from now on. It cannot be read again.
    #[schema(min_length = 50, max_length = 50, pattern = "^whsec_[0-9A-Za-z+/]{43}=$")]
    secret: String,
    /// Until when requests are signed with the previous secret too; `null` if it is not used any more.
    previous_secret_expires_at: Option<DateTime<Utc>>,
}

/// Replace the secret of a webhook
///
/// For some time requests have two signatures, with the new secret and with the previous one, so that the receiver can be changed
/// without losing an event. `Idempotency-Key` is not supported, since the response would be kept with the secret.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks)), ("x-mesa-not-idempotent" = json!(true)), ("x-mesa-if-match" = json!(true))),
    tag = "webhooks", operation_id = "issueWebhookSecret", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    request_body = WebhookSecretRequest,
    responses((status = 200, body = WebhookSecret, description = "The new secret, which is shown only now"))
)]
#[post("/webhooks/{webhook_id}/secret-rotation")]
pub async fn rotate(call: Call, id: Path<Uuid>, body: Body<WebhookSecretRequest>) -> Result<HttpResponse> {
    let answer = call.check(move |db, actor| {
        db.transaction(|tx| {
            acting::act_as(tx, actor.id)?;
            let webhook = Webhook::lock(tx, actor, *id)?;
            let hours = body.read()?.previous_valid_hours.unwrap_or(USUAL_HOURS);
            actor.check_version(webhook.id, webhook.version)?;
            let until = (hours > 0).then(|| actor.now + TimeDelta::hours(hours));
            let last: Vec<u8> = webhooks::table.find(webhook.id).select(webhooks::secret).get_result(tx)?;
            let new = secret::new()?;
            diesel::update(webhooks::table.find(webhook.id))
                .set((
                    webhooks::secret.eq(&new),
                    webhooks::previous_secret.eq(until.map(|_| last)),
                    webhooks::previous_secret_until.eq(until),
                    next_version!(webhooks, webhook.version, actor),
                ))
                .execute(tx)?;
            let issued = WebhookSecret { secret: secret::text(&new), previous_secret_expires_at: until };
            Ok(Answer::ok(&issued)?.version(webhook.id, webhook.version + 1))
        })
    });
    Ok(sessions::secret(answer.await?))
}
