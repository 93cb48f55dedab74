//! The numbers of an inbox: how many tickets match the filters of the list, by state, assignee and others, in one call.

mod tally;

use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::tally::{Group, Tally};
use super::filters::{AttentionState, TicketFilters};
use super::model::{Channel, Criticality};
use super::workflow::TicketStatus;
use crate::auth::policy::Action;
use crate::http::query::invalid;
use crate::http::{Actor, Answer, Call, Query};
use crate::language::text_enum;
use crate::people::{Named, Person};
use crate::problem::{Result, Text};

text_enum! {
    /// What tickets are counted by.
    pub enum CountedBy {
        Status = "status",
        Criticality = "criticality",
        SupportLevel = "support_level",
        Assignee = "assignee",
        Channel = "channel",
        Category = "category",
        Unit = "unit",
        Overdue = "overdue",
        /// The state of the first attention. For staff.
        Attention = "attention",
    }
}

/// What to count the tickets by.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Breakdowns {
    /// What to count by: each value adds one list to the response. Repeat it for several, or separate the values by
    /// commas: `by=status,assignee`. Only `total` if omitted. `attention` is for staff only.
    #[serde(default)]
    #[param(required = false, inline, max_items = 9)]
    by: Vec<CountedBy>,
}

/// How many tickets match. `total` and `is_exact` are always there, and one list for each value of `by`.
#[derive(Serialize, ToSchema)]
pub struct TicketCounts {
    /// The number of tickets that match the filters: `total` of `GET /tickets`, if `is_exact`; otherwise that number or
    /// less.
    #[schema(minimum = 0, example = 42)]
    total: i64,
    /// Whether all tickets that match were counted. `false` if 10,000 or more match in one state: only the newest 10,000
    /// of that state are counted, and a number is a minimum, to be shown as `10,000+`.
    #[schema(example = true)]
    is_exact: bool,
    /// One row for each state, in the order of the life of a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 9)]
    by_status: Option<Vec<TicketCountByStatus>>,
    /// One row for unclassified tickets, with `null`, and one for each criticality, the most urgent first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 5)]
    by_criticality: Option<Vec<TicketCountByCriticality>>,
    /// One row for each support level.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 3)]
    by_support_level: Option<Vec<TicketCountBySupportLevel>>,
    /// One row for tickets without an assignee, with `null`, and one for each person who has any, by `count`, descending,
    /// then by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 1000)]
    by_assignee: Option<Vec<TicketCountByAssignee>>,
    /// One row for each channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 5)]
    by_channel: Option<Vec<TicketCountByChannel>>,
    /// One row for tickets without a category, with `null`, and one for each category that has any, by `count`,
    /// descending, then by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 1000)]
    by_category: Option<Vec<TicketCountByCategory>>,
    /// One row for tickets without a unit, with `null`, and one for each unit of a requester that has any, by `count`,
    /// descending, then by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 1000)]
    by_unit: Option<Vec<TicketCountByUnit>>,
    /// One row for overdue tickets, and one for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 2)]
    by_overdue: Option<Vec<TicketCountByOverdue>>,
    /// One row for each state of the first attention. Tickets that were archived before any acceptance are in none of
    /// them, and those that are `waiting_overdue` are in `waiting` as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 4)]
    by_attention: Option<Vec<TicketCountByAttention>>,
}

/// The tickets that one row of a list counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct TicketCount {
    /// The number of tickets.
    #[schema(minimum = 0, example = 7)]
    count: i64,
    /// Whether `count` is exact, not a minimum.
    #[schema(example = true)]
    is_exact: bool,
}

/// The tickets in one state.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByStatus {
    /// The state; its tickets are those of the filter `status`.
    status: TicketStatus,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one criticality.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByCriticality {
    /// The criticality, for the filter `criticality`; `null` for unclassified tickets, which `without=criticality` selects.
    criticality: Option<Criticality>,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one support level.
#[derive(Serialize, ToSchema)]
pub struct TicketCountBySupportLevel {
    /// The current support level, for the filter `support_level`: 1 technician, 2 professional, 3 director or a third party.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    support_level: i16,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one assignee.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByAssignee {
    /// The assignee, whose `id` is for the filter `assignee_id`; `null` for tickets without one, which `assignee_id=none`
    /// selects.
    assignee: Option<Person>,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one channel.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByChannel {
    /// The channel, for the filter `channel`.
    channel: Channel,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one category.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByCategory {
    /// The category, whose `id` is for the filter `category_id`; `null` for tickets without one, which `without=category`
    /// selects.
    category: Option<Named>,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets of one unit.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByUnit {
    /// The requester's unit at the registration, with its current name; its `id` is for the filter `unit_id`. `null` for
    /// tickets without one, which `without=unit` selects.
    unit: Option<Named>,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets that are overdue, or those that are not.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByOverdue {
    /// Whether the attention clock runs and its due time has passed, as in the filter `overdue`.
    overdue: bool,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// The tickets in one state of the first attention.
#[derive(Serialize, ToSchema)]
pub struct TicketCountByAttention {
    /// The state, for the filter `attention`.
    #[schema(inline)]
    attention: AttentionState,
    #[serde(flatten)]
    tickets: TicketCount,
}

/// Count tickets
///
/// The numbers beside the folders of an inbox, in one call: how many tickets match, by state, criticality, assignee and
/// others. `GET /tickets/counts?by=status,criticality,assignee&sort=queue` counts the open tickets by these three. All
/// filters of `GET /tickets` hold, and the same tickets are counted: a requester's own, or all for staff. A count is the
/// `total` of that list with the value of the row as the filter, in place of one that is there already. Values that no ticket
/// has are counted as 0, except people, categories and units, of which the first 1,000 are listed. Of each state at most the newest
/// 10,000 tickets are counted, so that the call takes no longer the more tickets are closed; see `is_exact`. The order of the
/// list does not matter here, but `sort=queue` is also the filter that it is there: only open tickets.
///
/// Poll it with `If-None-Match`: the response is a 304 until a number changes.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "tickets", operation_id = "getTicketCounts", params(Breakdowns, TicketFilters),
    responses((status = 200, body = TicketCounts, description = "The numbers of tickets"))
)]
#[get("/tickets/counts")]
pub async fn count(call: Call, query: Query<TicketFilters>) -> Result<HttpResponse> {
    call.read(|db, actor| {
        let (Breakdowns { by }, mut filters): (_, TicketFilters) =
            query.separated_by_commas("by").read_apart("by")?;
        check(&by, actor)?;
        filters.check(actor)?;
        filters.look_up(db, actor)?;
        let tally = Tally::read(db, actor, &filters, &by)?;
        Ok(Answer::ok(&counted(&tally, &by))?.content_tag())
    })
    .await
}

/// # Errors
/// A 400 if a requester counts by what only staff see.
fn check(by: &[CountedBy], actor: &Actor) -> Result<()> {
    if by.contains(&CountedBy::Attention) && !actor.is_staff() {
        let detail =
            Text::new("`attention`: solo puede usarlo el personal.", "`attention`: only staff may use it.");
        return Err(invalid("by", detail));
    }
    Ok(())
}

fn counted(tally: &Tally, by: &[CountedBy]) -> TicketCounts {
    use CountedBy as By;
    let groups = |each: By| by.contains(&each).then(|| tally.groups(each).into_iter());
    TicketCounts {
        total: tally.total(),
        is_exact: tally.is_exact(),
        by_status: by.contains(&By::Status).then(|| {
            let row = |status: &TicketStatus| TicketCountByStatus {
                status: *status,
                tickets: tally.in_state(*status),
            };
            TicketStatus::ALL.iter().map(row).collect()
        }),
        by_criticality: by.contains(&By::Criticality).then(|| {
            let known = Criticality::ALL.iter().copied().map(Some);
            let row = |criticality: Option<Criticality>| TicketCountByCriticality {
                criticality,
                tickets: tally.of(By::Criticality, criticality.map(Criticality::as_str)),
            };
            [None].into_iter().chain(known).map(row).collect()
        }),
        by_support_level: by.contains(&By::SupportLevel).then(|| {
            let row = |support_level: i16| TicketCountBySupportLevel {
                support_level,
                tickets: tally.of(By::SupportLevel, Some(&support_level.to_string())),
            };
            (1..=3).map(row).collect()
        }),
        by_assignee: groups(By::Assignee).map(|rows| {
            rows.map(|(group, tickets)| TicketCountByAssignee {
                assignee: group.and_then(Group::person),
                tickets,
            })
            .collect()
        }),
        by_channel: by.contains(&By::Channel).then(|| {
            let row = |channel: &Channel| TicketCountByChannel {
                channel: *channel,
                tickets: tally.of(By::Channel, Some(channel.as_str())),
            };
            Channel::ALL.iter().map(row).collect()
        }),
        by_category: groups(By::Category).map(|rows| {
            rows.map(|(group, tickets)| TicketCountByCategory {
                category: group.and_then(Group::named),
                tickets,
            })
            .collect()
        }),
        by_unit: groups(By::Unit).map(|rows| {
            rows.map(|(group, tickets)| TicketCountByUnit { unit: group.and_then(Group::named), tickets })
                .collect()
        }),
        by_overdue: by.contains(&By::Overdue).then(|| {
            let row = |overdue: bool| TicketCountByOverdue {
                overdue,
                tickets: tally.of(By::Overdue, Some(&overdue.to_string())),
            };
            [true, false].map(row).into()
        }),
        by_attention: by.contains(&By::Attention).then(|| {
            let row = |attention: &AttentionState| TicketCountByAttention {
                attention: *attention,
                tickets: tally.of_any(By::Attention, attention.words()),
            };
            AttentionState::ALL.iter().map(row).collect()
        }),
    }
}
