//! Test events, and sending events again.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::claim::TEST;
use super::deliveries::WebhookDelivery;
use super::webhook::Webhook;
use crate::auth::policy::Action;
use crate::db::schema::{webhook_deliveries as rows, webhooks};
use crate::http::body::EmptyBody;
use crate::http::{Answer, Body, Call};
use crate::language::text_enum;
use crate::problem::{FieldError, Problem, Result};

/// How many deliveries one request queues again.
const MOST: i64 = 10_000;

text_enum! {
    /// The state of deliveries that are sent again.
    pub enum WebhookReplayState {
        /// The receiver accepted none of the attempts.
        Failed = "failed",
        /// The receiver accepted them.
        Delivered = "delivered",
        /// They were not sent.
        Skipped = "skipped",
    }
}

/// Which deliveries to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplayRequest {
    /// Their state: `failed` if omitted.
    #[schema(inline)]
    state: Option<WebhookReplayState>,
    /// Those made at this time or later. Required unless the state is `failed`.
    created_from_at: Option<DateTime<Utc>>,
    /// Those made before this time; up to now if omitted.
    created_before_at: Option<DateTime<Utc>>,
}

/// What was queued.
#[derive(Serialize, ToSchema)]
pub struct WebhookReplay {
    /// How many deliveries were queued again: the oldest ones, up to 10,000.
    #[schema(minimum = 0, maximum = 10000, example = 12)]
    queued_count: usize,
}

/// Send a test event to a webhook
///
/// An event of the type `co.mesa.webhook.test.v1`, signed like all others, whatever types the webhook asks for. The response
/// is its delivery: read it again to see the answer of the receiver.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks)), ("x-mesa-unversioned" = json!(true))),
    tag = "webhooks", operation_id = "sendWebhookTest", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    responses(
        (status = 202, body = WebhookDelivery, description = "The delivery of the test event, which is sent within seconds"),
        (status = 409, description = "`wrong_state`: the webhook is not active"),
    )
)]
#[post("/webhooks/{webhook_id}/test")]
pub async fn test(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let webhook = Webhook::lock(tx, actor, *id)?;
        if !webhook.active {
            return Err(Problem::wrong_state("inactive"));
        }
        let position: i64 = webhooks::table.find(webhook.id).select(webhooks::position).get_result(tx)?;
        let delivery_id = Uuid::now_v7();
        diesel::insert_into(rows::table)
            .values((
                rows::id.eq(delivery_id),
                rows::webhook_id.eq(webhook.id),
                rows::event_id.eq(Uuid::now_v7()),
                rows::position.eq(position),
                // A test waits for no other, and no other for it.
                rows::subject.eq(format!("webhook/{}/{delivery_id}", webhook.id)),
                rows::event_type.eq(TEST),
                rows::next_attempt_at.eq(actor.now),
                rows::created_at.eq(actor.now),
            ))
            .execute(tx)?;
        Answer::accepted_with(&WebhookDelivery::find(tx, &webhook, delivery_id)?)
    })
    .await
}

/// Send one event to a webhook again
///
/// With the same `webhook-id`. The event is sent as its owner may see it now. It waits until the webhook is active.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks)), ("x-mesa-unversioned" = json!(true))),
    tag = "webhooks", operation_id = "retryWebhookDelivery",
    params(
        ("webhook_id" = Uuid, Path, description = "Identifier of the webhook."),
        ("delivery_id" = Uuid, Path, description = "Identifier of the delivery."),
    ),
    responses((status = 202, body = WebhookDelivery, description = "The delivery, which waits to be sent"))
)]
#[post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")]
pub async fn one(call: Call, ids: Path<(Uuid, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    let (webhook_id, delivery_id) = ids.into_inner();
    call.write(body, move |tx, actor, _| {
        let webhook = Webhook::lock(tx, actor, webhook_id)?;
        let delivery = WebhookDelivery::find(tx, &webhook, delivery_id)?;
        queue(tx, &[delivery.id], actor.now)?;
        Answer::accepted_with(&WebhookDelivery::find(tx, &webhook, delivery.id)?)
    })
    .await
}

/// Send several events to a webhook again
///
/// All that failed, or those of a span of time. They are sent in the order of the log for each ticket, each with the same
/// `webhook-id` as before.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks)), ("x-mesa-unversioned" = json!(true))),
    tag = "webhooks", operation_id = "retryWebhookDeliveries", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    request_body = WebhookReplayRequest,
    responses((status = 202, body = WebhookReplay, description = "How many wait to be sent again"))
)]
#[post("/webhooks/{webhook_id}/replays")]
pub async fn span(call: Call, id: Path<Uuid>, body: Body<WebhookReplayRequest>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let webhook = Webhook::lock(tx, actor, *id)?;
        let wanted = body.read()?;
        let state = wanted.state.unwrap_or(WebhookReplayState::Failed);
        if state != WebhookReplayState::Failed && wanted.created_from_at.is_none() {
            return Err(Problem::field(FieldError::required("/created_from_at")));
        }
        let mut found = rows::table
            .filter(rows::webhook_id.eq(webhook.id))
            .filter(rows::state.eq(state.as_str()))
            .into_boxed();
        if let Some(from) = wanted.created_from_at {
            found = found.filter(rows::created_at.ge(from));
        }
        if let Some(before) = wanted.created_before_at {
            found = found.filter(rows::created_at.lt(before));
        }
        let ids: Vec<Uuid> =
            found.order((rows::created_at, rows::id)).limit(MOST).select(rows::id).load(tx)?;
        let queued_count = queue(tx, &ids, actor.now)?;
        Answer::accepted_with(&WebhookReplay { queued_count })
    })
    .await
}

/// Queues deliveries again, also those that wait for their next attempt; returns how many.
fn queue(tx: &mut PgConnection, ids: &[Uuid], now: DateTime<Utc>) -> Result<usize> {
    let queued = diesel::update(rows::table.filter(rows::id.eq_any(ids)))
        .set((
            rows::state.eq("waiting"),
            rows::attempts.eq(0),
            rows::next_attempt_at.eq(now),
            rows::delivered_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)?;
    Ok(queued)
}
