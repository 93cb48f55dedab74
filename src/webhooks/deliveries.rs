//! The deliveries of a webhook: what was sent, and what came back.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::webhook::Webhook;
use crate::auth::policy::Action;
use crate::db::schema::webhook_deliveries as rows;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Answer, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The state of a delivery.
    pub enum WebhookDeliveryState {
        /// It was not sent yet, or is sent again.
        Waiting = "waiting",
        /// The receiver accepted it.
        Delivered = "delivered",
        /// The receiver accepted none of the attempts.
        Failed = "failed",
        /// It was not sent: the owner of the webhook may not see the event any more.
        Skipped = "skipped",
    }
}

/// An event that is sent to a webhook.
#[derive(Debug, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = rows)]
pub struct WebhookDelivery {
    /// Identifier of the delivery.
    pub id: Uuid,
    /// Identifier of the webhook.
    pub webhook_id: Uuid,
    /// Identifier of the event: the header `webhook-id`.
    pub event_id: Uuid,
    /// The type of the event.
    #[schema(max_length = 100, example = "co.mesa.ticket.accepted.v1")]
    pub event_type: String,
    /// What the event is about: events of the same subject are sent in order.
    #[schema(max_length = 300, example = "ticket/123")]
    pub subject: String,
    /// The state of the delivery.
    pub state: WebhookDeliveryState,
    /// The number of attempts since the delivery was last queued.
    #[schema(minimum = 0, maximum = 100)]
    pub attempts: i16,
    /// When the next attempt is due, if no earlier event of the subject waits; `null` if none follows.
    #[diesel(
        select_expression = rows::next_attempt_at.nullable(),
        select_expression_type = diesel::dsl::Nullable<rows::next_attempt_at>
    )]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the last attempt ended; `null` if there was none.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the last answer; `null` if there was none.
    #[schema(minimum = 100, maximum = 999, example = 200)]
    pub response_status: Option<i16>,
    /// How long the last attempt took, in milliseconds; `null` if there was none.
    #[schema(minimum = 0, example = 85)]
    pub duration_ms: Option<i32>,
    /// The first 1,024 bytes of the last answer, as text; `null` if there was none.
    #[schema(max_length = 1024, example = "ok")]
    pub response_body: Option<String>,
    /// Why the last attempt had no answer; `null` if it had one, or if there was none.
    #[schema(max_length = 300, example = "no answer in time")]
    pub error: Option<String>,
    /// When the delivery was made.
    pub created_at: DateTime<Utc>,
    /// When the receiver accepted the event; `null` if it has not.
    pub delivered_at: Option<DateTime<Utc>>,
}

impl WebhookDelivery {
    /// # Errors
    /// A 404 if the webhook has no such delivery.
    pub fn find(db: &mut PgConnection, webhook: &Webhook, id: Uuid) -> Result<Self> {
        let found = rows::table.filter(rows::webhook_id.eq(webhook.id)).filter(rows::id.eq(id));
        Ok(found.select(Self::as_select()).first::<Self>(db)?.shown())
    }

    /// Without the time of an attempt that does not follow.
    fn shown(self) -> Self {
        let waits = self.state == WebhookDeliveryState::Waiting;
        WebhookDelivery { next_attempt_at: self.next_attempt_at.filter(|_| waits), ..self }
    }

    pub fn version(&self) -> String {
        format!("{}-{}", self.attempts, self.state.as_str())
    }
}

text_enum! {
    /// The order of the deliveries.
    pub enum WebhookDeliverySort {
        Descending = "-created_at",
        Ascending = "created_at",
    }
}

/// Which deliveries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookDeliveryFilters {
    /// Only deliveries in this state. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    state: Vec<WebhookDeliveryState>,
    /// `-created_at` (the default) or `created_at`.
    #[param(inline)]
    sort: Option<WebhookDeliverySort>,
}

/// List the deliveries of a webhook
///
/// With the last answer of the receiver. Deliveries that do not wait any more are kept for 30 days.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "listWebhookDeliveries",
    params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook."), Paging, WebhookDeliveryFilters),
    responses((status = 200, body = Page<WebhookDelivery>, description = "One page of the deliveries"))
)]
#[get("/webhooks/{webhook_id}/deliveries")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<WebhookDeliveryFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (paging, filters) = query.read_list()?;
        let webhook = Webhook::find(db, actor, *id)?;
        let sort = filters.sort.unwrap_or(WebhookDeliverySort::Descending).as_str();
        let filtered = || {
            let query = rows::table.filter(rows::webhook_id.eq(webhook.id)).into_boxed();
            among!(query, rows::state, filters.state)
        };
        let (found, total): (Vec<WebhookDelivery>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (rows::created_at as DateTime<Utc>, rows::id as Uuid),
            WebhookDelivery::as_select()
        );
        let items: Vec<WebhookDelivery> = found.into_iter().map(WebhookDelivery::shown).collect();
        paging.answer(sort, items, total, |one| (one.created_at, one.id))
    })
    .await
}

/// Read a delivery of a webhook
///
/// With the last answer of the receiver.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "getWebhookDelivery",
    params(
        ("webhook_id" = Uuid, Path, description = "Identifier of the webhook."),
        ("delivery_id" = Uuid, Path, description = "Identifier of the delivery."),
    ),
    responses((status = 200, body = WebhookDelivery, description = "The delivery"))
)]
#[get("/webhooks/{webhook_id}/deliveries/{delivery_id}")]
pub async fn read(call: Call, ids: Path<(Uuid, Uuid)>) -> Result<HttpResponse> {
    let (webhook_id, delivery_id) = ids.into_inner();
    call.read(move |db, actor| {
        let webhook = Webhook::find(db, actor, webhook_id)?;
        let delivery = WebhookDelivery::find(db, &webhook, delivery_id)?;
        Ok(Answer::ok(&delivery)?.version(delivery.id, delivery.version()))
    })
    .await
}
