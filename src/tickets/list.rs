//! The list of tickets.

use std::str::FromStr;

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text as SqlText, Timestamptz};
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::{Channel, Criticality, Ticket, TicketRow};
use super::store;
use super::workflow::Status;
use crate::auth::policy::{Action, Scope};
use crate::db::schema::tickets;
use crate::db::text_enum;
use crate::http::paging::{Page, Paging, seek};
use crate::http::{Call, Query};
use crate::problem::Result;

text_enum! {
    /// The order of a list of tickets.
    pub enum TicketSort {
        ReceivedDescending = "-received_at",
        ReceivedAscending = "received_at",
        UpdatedDescending = "-updated_at",
        UpdatedAscending = "updated_at",
        DueAscending = "attention_due_at",
        DueDescending = "-attention_due_at",
    }
}

/// Whose work: a user's id, `me`, or `none`.
#[derive(Debug, Clone, Copy)]
pub enum Assignee {
    Me,
    Nobody,
    User(Uuid),
}

impl FromStr for Assignee {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text {
            "me" => Ok(Assignee::Me),
            "none" => Ok(Assignee::Nobody),
            id => {
                id.parse().map(Assignee::User).map_err(|_| "expected `me`, `none` or a user's id".to_owned())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Assignee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Which tickets to list. A filter that is repeated matches any of its values; different filters must all match.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketFilters {
    #[serde(default)]
    #[param(required = false)]
    status: Vec<Status>,
    #[serde(default)]
    #[param(required = false)]
    criticality: Vec<Criticality>,
    #[serde(default)]
    #[param(required = false)]
    channel: Vec<Channel>,
    #[serde(default)]
    #[param(required = false)]
    category_id: Vec<Uuid>,
    /// The requester's unit when the ticket was registered.
    #[serde(default)]
    #[param(required = false)]
    unit_id: Vec<Uuid>,
    /// A user's id, `me`, or `none`.
    #[serde(default)]
    #[param(required = false, value_type = Vec<String>)]
    assignee: Vec<Assignee>,
    requester_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 3)]
    support_level: Option<i16>,
    /// Received at this moment or later.
    received_from: Option<DateTime<Utc>>,
    /// Received before this moment.
    received_to: Option<DateTime<Utc>>,
    /// Words of subject and description, in any form, with or without accents; or the ticket's number.
    #[param(max_length = 200)]
    q: Option<String>,
    /// `-received_at` (the default), `received_at`, `-updated_at`, `updated_at`, `attention_due_at`,
    /// `-attention_due_at`.
    #[param(inline)]
    sort: Option<TicketSort>,
}

/// Stands for no due time, after all others.
const NEVER: &str = "coalesce(attention_due_at, '9999-12-31 00:00:00+00'::timestamptz)";

fn due(row: &Ticket) -> DateTime<Utc> {
    row.attention_due_at.or_else(|| "9999-12-31T00:00:00Z".parse().ok()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// List tickets
///
/// A requester sees their own; staff see all.
#[utoipa::path(
    tag = "tickets", operation_id = "listTickets", params(Paging, TicketFilters),
    responses((status = 200, body = Page<Ticket>))
)]
#[get("/tickets")]
pub async fn list(call: Call, query: Query<TicketFilters>) -> Result<HttpResponse> {
    call.read(Action::ReadTicket, |db, actor| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(TicketSort::ReceivedDescending);
        let after = paging.after::<TicketSort, DateTime<Utc>, i64>(sort)?;
        let filtered = || {
            let mut query = tickets::table.into_boxed();
            if actor.scope == Scope::Own {
                query = query.filter(tickets::requester_id.eq(actor.id));
            }
            if !filters.status.is_empty() {
                query = query.filter(tickets::status.eq_any(&filters.status));
            }
            if !filters.criticality.is_empty() {
                query = query.filter(tickets::criticality.eq_any(&filters.criticality));
            }
            if !filters.channel.is_empty() {
                query = query.filter(tickets::channel.eq_any(&filters.channel));
            }
            if !filters.category_id.is_empty() {
                query = query.filter(tickets::category_id.eq_any(&filters.category_id));
            }
            if !filters.unit_id.is_empty() {
                query = query.filter(tickets::requester_unit_id.eq_any(&filters.unit_id));
            }
            if !filters.assignee.is_empty() {
                let people: Vec<Uuid> =
                    filters.assignee.iter().filter_map(|who| who.user(actor.id)).collect();
                let nobody = filters.assignee.iter().any(|who| matches!(who, Assignee::Nobody));
                query = match (people.is_empty(), nobody) {
                    (true, _) => query.filter(tickets::assignee_id.is_null()),
                    (false, false) => query.filter(tickets::assignee_id.eq_any(people)),
                    (false, true) => {
                        query.filter(tickets::assignee_id.is_null().or(tickets::assignee_id.eq_any(people)))
                    }
                };
            }
            if let Some(requester_id) = filters.requester_id {
                query = query.filter(tickets::requester_id.eq(requester_id));
            }
            if let Some(level) = filters.support_level {
                query = query.filter(tickets::support_level.eq(level));
            }
            if let Some(from) = filters.received_from {
                query = query.filter(tickets::received_at.ge(from));
            }
            if let Some(to) = filters.received_to {
                query = query.filter(tickets::received_at.lt(to));
            }
            if let Some(text) = &filters.q {
                let words = sql::<Bool>("search @@ websearch_to_tsquery('mesa_spanish', ")
                    .bind::<SqlText, _>(text)
                    .sql(")");
                query = match text.trim().trim_start_matches('#').parse::<i64>() {
                    Ok(number) => query.filter(words.or(tickets::id.eq(number))),
                    Err(_) => query.filter(words),
                };
            }
            query
        };
        let total = if paging.with_total { Some(filtered().count().get_result(db)?) } else { None };
        let due_at = || sql::<Timestamptz>(NEVER);
        let query = match sort {
            TicketSort::ReceivedDescending => {
                seek!(filtered(), after, tickets::received_at, tickets::id, desc)
            }
            TicketSort::ReceivedAscending => seek!(filtered(), after, tickets::received_at, tickets::id, asc),
            TicketSort::UpdatedDescending => seek!(filtered(), after, tickets::updated_at, tickets::id, desc),
            TicketSort::UpdatedAscending => seek!(filtered(), after, tickets::updated_at, tickets::id, asc),
            TicketSort::DueDescending => seek!(filtered(), after, due_at(), tickets::id, desc),
            TicketSort::DueAscending => seek!(filtered(), after, due_at(), tickets::id, asc),
        };
        let rows = query.select(TicketRow::as_select()).limit(paging.rows()).load(db)?;
        let place = |row: &Ticket| {
            let key = match sort {
                TicketSort::ReceivedDescending | TicketSort::ReceivedAscending => row.received_at,
                TicketSort::UpdatedDescending | TicketSort::UpdatedAscending => row.updated_at,
                TicketSort::DueDescending | TicketSort::DueAscending => due(row),
            };
            (key, row.id)
        };
        paging.answer(sort, store::present(db, rows)?, total, place)
    })
    .await
}

impl Assignee {
    fn user(self, me: Uuid) -> Option<Uuid> {
        match self {
            Assignee::Me => Some(me),
            Assignee::User(id) => Some(id),
            Assignee::Nobody => None,
        }
    }
}
