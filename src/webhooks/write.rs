//! Creating, changing and deleting webhooks.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::address::{self, Refused};
use super::claim::TEST;
use super::webhook::{Webhook, WebhookFilter};
use super::{owner, secret};
use crate::account::sessions;
use crate::auth::policy::Action;
use crate::auth::ticket_limit::TicketLimit;
use crate::config::Network;
use crate::db::acting;
use crate::db::schema::{webhook_deliveries, webhooks};
use crate::events::reading;
use crate::events::types::{self, Wanted};
use crate::http::actor::next_version;
use crate::http::body::{EmptyBody, Patch};
use crate::http::{Answer, Body, Call};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// The most webhooks that there can be.
const MOST: i64 = 50;
/// The advisory lock under which webhooks are counted and created.
const LOCK: i64 = 0x4d45_5341_0700;

/// A webhook to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookCreate {
    /// The address to which each event is sent by a POST: `https`, without user and password. An internal address, and
    /// `http`, must be listed in the configuration of the server (`MESA_WEBHOOK_ALLOW`). A name is resolved for each
    /// connection, and the address that is found is checked.
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 2000,
        pattern = "^https?://",
        example = "https://erp.example.gov.co/mesa"
    )]
    url: String,
    /// What the webhook is for.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S", example = "Inventario de equipos")]
    description: Option<String>,
    /// The types of the events to send, as in `GET /events`; `*` at the end stands for any end. All types if empty.
    #[serde(default)]
    #[schema(required = false, max_items = 100, min_length = 1, max_length = 100, example = json!(["co.mesa.ticket.*"]))]
    event_types: Vec<String>,
    /// The tickets whose events are sent; those of all tickets if omitted. With a filter, only events of tickets are sent.
    #[serde(default)]
    #[schema(required = false)]
    filter: WebhookFilter,
}

/// A new webhook. Its secret is only in this response.
#[derive(Serialize, ToSchema)]
pub struct CreatedWebhook {
    #[serde(flatten)]
    shown: Webhook,
    /// The secret with which each request is signed, for a library of Standard Webhooks. It cannot be read again.
    #[schema(min_length = 50, max_length = 50, pattern = "^whsec_[0-9A-Za-z+/]{43}=$")]
    secret: String,
}

/// The fields of a webhook that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookProfile {
    /// The address to which each event is sent, as at the creation. What waits is sent to the new address at once.
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 2000,
        pattern = "^https?://",
        example = "https://erp.example.gov.co/mesa"
    )]
    url: String,
    /// What the webhook is for; `null` removes it.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S", example = "Inventario de equipos")]
    description: Option<String>,
    /// The types of the events to send, in place of those so far, from the next event on. All types if empty.
    #[schema(max_items = 100, min_length = 1, max_length = 100, example = json!(["co.mesa.ticket.*"]))]
    event_types: Vec<String>,
    /// The tickets whose events are sent, from the next event on.
    filter: WebhookFilter,
    /// Whether events are sent. `true` sends what waits at once, and the events of the meantime. If the owner may have no
    /// webhooks any more, who sets it becomes the owner.
    active: bool,
}

/// Create a webhook
///
/// From now on each event of the types and tickets that its owner, the caller, may see is sent to the address: by a POST
/// with the event as in `GET /events`, without `cursor`, signed as Standard Webhooks 1.0 define it: `webhook-id` is the id of the
/// event, `webhook-timestamp` the time of the attempt, `webhook-signature` the HMAC-SHA256 of both and the body. What the owner
/// may see is decided when an event is sent.
///
/// Events of one ticket are sent in order, those of several at once. Any answer of 2xx within 15 seconds is a success.
/// Redirects are not followed. Otherwise the event is sent again after 5 seconds and then after growing waits, up to eleven
/// times in three days; the following events of the ticket wait. An event can arrive more than once: its id stays the same.
/// An answer of 410, and failures over five days, end the webhook.
///
/// The secret is shown once. `Idempotency-Key` is not supported, since the response would be kept with the secret.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks)), ("x-mesa-not-idempotent" = json!(true))),
    tag = "webhooks", operation_id = "createWebhook", request_body = WebhookCreate,
    responses(
        (status = 201, body = CreatedWebhook, description = "The new webhook with its secret, which is shown only now"),
        (status = 409, description = "`too_many_webhooks`: there are 50 webhooks"),
    )
)]
#[post("/webhooks")]
pub async fn create(call: Call, body: Body<WebhookCreate>) -> Result<HttpResponse> {
    let allow = call.desk.config.webhook_allow.clone();
    let answer = call.check(move |db, actor| {
        let new = body.read()?;
        let limit = TicketLimit::from(new.filter);
        check(&new.url, &new.event_types, &allow)?;
        limit.check_known(db, "/filter")?;
        let position = reading::advance(db, None, None)?.position;
        db.transaction(|tx| {
            acting::act_as(tx, actor.id)?;
            diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
            if webhooks::table.count().get_result::<i64>(tx)? >= MOST {
                return Err(Problem::new(
                    Code::TooManyWebhooks,
                    Text::made(
                        format!("Ya hay {MOST} webhooks. Elimine uno."),
                        format!("There are {MOST} webhooks already. Delete one."),
                    ),
                ));
            }
            let (id, secret) = (Uuid::now_v7(), secret::new()?);
            diesel::insert_into(webhooks::table)
                .values((
                    webhooks::id.eq(id),
                    webhooks::url.eq(new.url),
                    webhooks::description.eq(new.description.map(|text| text.trim().to_owned())),
                    webhooks::event_types.eq(new.event_types),
                    webhooks::unit_ids.eq(limit.unit_ids),
                    webhooks::category_ids.eq(limit.category_ids),
                    webhooks::owner_id.eq(actor.id),
                    webhooks::active.eq(true),
                    webhooks::position.eq(position),
                    webhooks::secret.eq(&secret),
                    webhooks::created_at.eq(actor.now),
                    webhooks::updated_at.eq(actor.now),
                ))
                .execute(tx)?;
            let shown = Webhook::find(tx, actor, id)?;
            let version = shown.version;
            let created = CreatedWebhook { shown, secret: secret::text(&secret) };
            Ok(Answer::created(format!("/api/v1/webhooks/{id}"), &created)?.version(id, version))
        })
    });
    Ok(sessions::secret(answer.await?))
}

/// Change a webhook
///
/// Omitted fields keep their values; `null` removes the description. `active: false` stops it, and `active: true` resumes it
/// where it stopped.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "updateWebhook", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    request_body(content = WebhookProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Webhook, description = "The webhook after the change"))
)]
#[patch("/webhooks/{webhook_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<WebhookProfile>>) -> Result<HttpResponse> {
    let config = call.desk.config.clone();
    call.write(body, move |tx, actor, body| {
        let webhook = Webhook::lock(tx, actor, *id)?;
        let before = WebhookProfile {
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            event_types: webhook.event_types.clone(),
            filter: webhook.filter.clone(),
            active: webhook.active,
        };
        let (profile, changes) = body.merge(&before)?;
        let limit = TicketLimit::from(profile.filter);
        check(&profile.url, &profile.event_types, &config.webhook_allow)?;
        limit.check_known(tx, "/filter")?;
        actor.check_version(webhook.id, webhook.version)?;
        if !changes {
            return webhook.answer();
        }
        let resumes = profile.active && !webhook.active;
        let keeps_owner = !resumes || owner::reader(tx, webhook.owner.id, config.timezone)?.is_some();
        let owner_id = if keeps_owner { webhook.owner.id } else { actor.id };
        let begins_anew = resumes || profile.url != webhook.url;
        diesel::update(webhooks::table.find(webhook.id))
            .set((
                webhooks::url.eq(profile.url),
                webhooks::description.eq(profile.description.map(|text| text.trim().to_owned())),
                webhooks::event_types.eq(profile.event_types),
                webhooks::unit_ids.eq(limit.unit_ids),
                webhooks::category_ids.eq(limit.category_ids),
                webhooks::owner_id.eq(owner_id),
                webhooks::active.eq(profile.active),
                webhooks::ended_reason.eq(webhook.ended_reason.filter(|_| !profile.active)),
                webhooks::failing_since.eq(webhook.first_failed_at.filter(|_| !begins_anew)),
                next_version!(webhooks, webhook.version, actor),
            ))
            .execute(tx)?;
        if begins_anew {
            make_due(tx, webhook.id, actor.now)?;
        }
        Webhook::find(tx, actor, webhook.id)?.answer()
    })
    .await
}

/// What waits is due now, as if it had not been tried.
fn make_due(tx: &mut PgConnection, webhook_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(webhook_id))
        .filter(webhook_deliveries::state.eq("waiting"));
    diesel::update(waiting)
        .set((webhook_deliveries::next_attempt_at.eq(now), webhook_deliveries::attempts.eq(0)))
        .execute(tx)?;
    Ok(())
}

/// Delete a webhook
///
/// With its deliveries: what waits is not sent.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "deleteWebhook", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    responses((status = 204, description = "The webhook is deleted"))
)]
#[delete("/webhooks/{webhook_id}")]
pub async fn delete(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let webhook = Webhook::lock(tx, actor, *id)?;
        actor.check_version(webhook.id, webhook.version)?;
        diesel::delete(webhooks::table.find(webhook.id)).execute(tx)?;
        Ok(Answer::no_content())
    })
    .await
}

/// # Errors
/// A 422 for an address that may not be called, and for each type that no event has.
fn check(url: &str, event_types: &[String], allow: &[Network]) -> Result<()> {
    let mut faults = Vec::new();
    if let Err(why) = address::checked(url, allow) {
        faults.push(url_fault(why));
    }
    let mut known = types::of_tickets();
    known.extend(types::of_records());
    known.push(TEST.to_owned());
    for (place, pattern) in event_types.iter().enumerate() {
        let wanted = Wanted::new(vec![pattern.clone()]);
        if !known.iter().any(|name| wanted.includes(name)) {
            faults.push(FieldError::new(
                format!("/event_types/{place}"),
                FieldCode::NotFound,
                Text::new("Ningún evento tiene este tipo.", "No event has this type."),
            ));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
}

fn url_fault(why: Refused) -> FieldError {
    let (code, detail) = match why {
        Refused::NotUrl => (
            FieldCode::WrongFormat,
            Text::new(
                "Debe ser una dirección como `https://erp.example.gov.co/mesa`.",
                "It must be an address such as `https://erp.example.gov.co/mesa`.",
            ),
        ),
        Refused::Scheme | Refused::Plain => (
            FieldCode::NotAllowed,
            Text::new(
                "Debe comenzar con `https://`; `http://` solo es posible para las direcciones que admite el servidor.",
                "It must begin with `https://`; `http://` is possible only for addresses that the server allows.",
            ),
        ),
        Refused::Credentials => (
            FieldCode::NotAllowed,
            Text::new(
                "No debe contener usuario ni contraseña.",
                "It must contain neither a user nor a password.",
            ),
        ),
        Refused::Internal => (
            FieldCode::NotAllowed,
            Text::new(
                "Es una dirección interna que el servidor no admite.",
                "It is an internal address that the server does not allow.",
            ),
        ),
    };
    FieldError::new("/url", code, detail)
}
