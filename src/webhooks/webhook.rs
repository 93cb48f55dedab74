//! A webhook, as the API represents it.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ending::WebhookEndedReason;
use crate::auth::person::{Person, PersonKind};
use crate::auth::policy::Action;
use crate::auth::ticket_limit::TicketLimit;
use crate::db::schema::{users, webhooks};
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Actor, Answer, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

/// The tickets whose events are sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookFilter {
    /// Only events of tickets whose requester belongs to one of these units; of all units if empty.
    #[serde(default)]
    #[schema(required = false, max_items = 100)]
    pub unit_ids: Vec<Uuid>,
    /// Only events of tickets of one of these categories; of all categories if empty.
    #[serde(default)]
    #[schema(required = false, max_items = 100)]
    pub category_ids: Vec<Uuid>,
}

impl From<WebhookFilter> for TicketLimit {
    fn from(filter: WebhookFilter) -> Self {
        TicketLimit { unit_ids: filter.unit_ids, category_ids: filter.category_ids }
    }
}

text_enum! {
    /// The version of the form of the events.
    pub enum WebhookApiVersion {
        V1 = "v1",
    }
}

/// Another system to which events are sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Identifier of the webhook.
    pub id: Uuid,
    /// The address to which each event is sent by a POST.
    #[schema(format = "uri", max_length = 2000, example = "https://erp.example.gov.co/mesa")]
    pub url: String,
    /// What the webhook is for; `null` if nothing is recorded.
    #[schema(max_length = 1000, example = "Inventario de equipos")]
    pub description: Option<String>,
    /// The types of the events that are sent, as in `GET /events`; `*` at the end stands for any end. All types if empty.
    #[schema(max_items = 100, max_length = 100, example = json!(["co.mesa.ticket.*"]))]
    pub event_types: Vec<String>,
    /// The tickets whose events are sent.
    pub filter: WebhookFilter,
    /// The version of the form of the events.
    pub api_version: WebhookApiVersion,
    /// The account whose rights decide which events are sent: who created the webhook.
    pub owner: Person,
    /// Whether events are sent. What happens in the meantime is sent when the webhook becomes active again.
    pub active: bool,
    /// Why the server ended the webhook; `null` if it did not.
    pub ended_reason: Option<WebhookEndedReason>,
    /// When a request failed for the first time since the last success; `null` if the last one succeeded. Five days later
    /// the webhook ends.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// Until when requests are signed with the previous secret too; `null` if it is not valid any more.
    pub previous_secret_expires_at: Option<DateTime<Utc>>,
    /// When the webhook was created.
    pub created_at: DateTime<Utc>,
    /// When the webhook was last changed.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub version: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks)]
pub struct Row {
    id: Uuid,
    url: String,
    description: Option<String>,
    event_types: Vec<String>,
    unit_ids: Vec<Uuid>,
    category_ids: Vec<Uuid>,
    api_version: WebhookApiVersion,
    active: bool,
    ended_reason: Option<WebhookEndedReason>,
    failing_since: Option<DateTime<Utc>>,
    previous_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

/// The webhooks that an actor may see, with their owners: a service account sees only its own. It could otherwise send events
/// that it may not see itself to an address of its choice.
macro_rules! visible {
    ($actor:expr) => {{
        let mut query = webhooks::table.inner_join(users::table).into_boxed();
        if $actor.kind == PersonKind::ServiceAccount {
            query = query.filter(webhooks::owner_id.eq($actor.id));
        }
        query
    }};
}
impl Webhook {
    fn of((row, owner): (Row, Person), now: DateTime<Utc>) -> Self {
        Webhook {
            id: row.id,
            url: row.url,
            description: row.description,
            event_types: row.event_types,
            filter: WebhookFilter { unit_ids: row.unit_ids, category_ids: row.category_ids },
            api_version: row.api_version,
            owner,
            active: row.active,
            ended_reason: row.ended_reason,
            first_failed_at: row.failing_since,
            previous_secret_expires_at: row.previous_secret_until.filter(|until| *until > now),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }

    /// # Errors
    /// A 404 if there is none that the actor may see.
    pub fn find(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<Self> {
        let found = visible!(actor)
            .filter(webhooks::id.eq(id))
            .select((Row::as_select(), Person::as_select()))
            .first(db)?;
        Ok(Self::of(found, actor.now))
    }

    /// The same, locked until the end of the transaction.
    ///
    /// # Errors
    /// As `find`.
    pub fn lock(tx: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<Self> {
        webhooks::table.find(id).select(webhooks::id).for_no_key_update().get_result::<Uuid>(tx)?;
        Self::find(tx, actor, id)
    }

    pub fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

text_enum! {
    /// The order of the webhooks.
    pub enum WebhookSort {
        Ascending = "created_at",
        Descending = "-created_at",
    }
}

/// Which webhooks to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookFilters {
    /// `true`: only active ones; `false`: only the others; all if omitted.
    active: Option<bool>,
    /// `created_at` (the default) or `-created_at`.
    #[param(inline)]
    sort: Option<WebhookSort>,
}

/// List webhooks
///
/// A service account sees its own, the director all.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "listWebhooks", params(Paging, WebhookFilters),
    responses((status = 200, body = Page<Webhook>, description = "One page of the webhooks"))
)]
#[get("/webhooks")]
pub async fn list(call: Call, query: Query<WebhookFilters>) -> Result<HttpResponse> {
    call.read(|db, actor| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(WebhookSort::Ascending).as_str();
        let filtered = || {
            let mut query = visible!(actor);
            if let Some(active) = filters.active {
                query = query.filter(webhooks::active.eq(active));
            }
            query
        };
        let (rows, total): (Vec<(Row, Person)>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (webhooks::created_at as DateTime<Utc>, webhooks::id as Uuid),
            (Row::as_select(), Person::as_select())
        );
        let items: Vec<Webhook> = rows.into_iter().map(|found| Webhook::of(found, actor.now)).collect();
        paging.answer(sort, items, total, |one| (one.created_at, one.id))
    })
    .await
}

/// Read a webhook
///
/// Never with its secret. What was sent is listed by `GET /webhooks/{webhook_id}/deliveries`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageWebhooks))),
    tag = "webhooks", operation_id = "getWebhook", params(("webhook_id" = Uuid, Path, description = "Identifier of the webhook.")),
    responses((status = 200, body = Webhook, description = "The webhook"))
)]
#[get("/webhooks/{webhook_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| Webhook::find(db, actor, *id)?.answer()).await
}
