//! Activity 11: the figures of a period.

pub mod answer;
mod backlog;
mod backlog_age;
pub mod breakdown;
pub mod disclosure;
mod fact;
pub mod figures;
mod fold;
#[cfg(test)]
mod fold_test;
mod frame;
mod frame_counts;
mod grouped;
mod index;
mod links;
mod numbered;
mod period;
pub mod profiles;
mod reading;
mod reading_events;
pub mod reckon;
mod rows;
mod samples;
mod seen;
mod spread;
mod tally;
mod tickets;
mod withholding;

use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

pub use links::Scope;
pub use period::{Interval, Period, Quarter, midnight};

use answer::Statistics;
use breakdown::{Breakdown, Breakdowns};
use reckon::{Counted, Question};

use crate::auth::policy::Action;
use crate::http::routes::Routes;
use crate::http::{Actor, Answer, Call, Query};
use crate::problem::Result;
use crate::tickets::model::{Channel, Criticality};

pub fn routes(routes: &mut Routes) {
    routes.service(read).service(profiles::list);
}

/// The period, the filters of the tickets, and the division into parts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsFilters {
    /// The first day of the period.
    #[param(example = "2026-10-01")]
    #[serde(rename = "from_date")]
    from: NaiveDate,
    /// The last day of the period, inclusive; at most 3,660 days after `from_date`.
    #[param(example = "2026-12-31")]
    #[serde(rename = "through_date")]
    to: NaiveDate,
    /// Divides the period into parts, at most 400; `series` is empty if omitted.
    #[param(inline)]
    interval: Option<Interval>,
    /// Only tickets of this criticality. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    criticality: Vec<Criticality>,
    /// Only tickets registered by this channel. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    channel: Vec<Channel>,
    /// Only tickets of this category. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    category_id: Vec<Uuid>,
    /// Only tickets whose requester belonged to this unit when the ticket was registered. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    unit_id: Vec<Uuid>,
    /// The breakdowns to return; repeat it to include several, or separate the values by commas. `criticality` and
    /// `channel` if omitted. The lists of the others are empty.
    #[serde(default)]
    #[param(required = false, inline, max_items = 6)]
    by: Vec<Breakdown>,
    /// Fills `links` of the figures: for each count, the path of the list of what it counts. They are several times as
    /// long as the figures.
    #[serde(default)]
    #[param(required = false)]
    with_links: bool,
}

/// Read the statistics of a period
///
/// Days begin and end in the entity's time zone (`MESA_TIMEZONE`). The schemas `Figures`, `SurveyFigures`,
/// `ByPerson` and `ByLevel` define what each figure counts. `by` selects the breakdowns. With `with_links=true`, `links` has
/// the path of the list that a figure counts, so that the tickets behind it can be read. `previous` has the same figures for
/// the previous period: the same number of months if the period consists of whole months, otherwise the same number of days.
///
/// Technicians may read totals of survey answers but no individual answers. They get figures computed from answers
/// (`satisfied`, `satisfaction_rate`, `mean_ratings`) only for one whole past calendar quarter without filters: for all
/// tickets if at least five surveys were answered, and by category if each category shown has at least five answers
/// and the others cannot be computed by subtraction. Everywhere else these fields are `null` for technicians (by
/// criticality, unit and channel, by month, week and day, and for other periods), because individual answers could be
/// computed from the differences. `surveys.withheld_reason` gives the reason. Professionals and the director get all
/// figures.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadStatistics)), ("x-mesa-unversioned" = json!(true))),
    tag = "statistics", operation_id = "getStatistics", params(StatisticsFilters),
    responses((status = 200, body = Statistics, description = "The figures of the period"))
)]
#[get("/statistics")]
pub async fn read(call: Call, query: Query<StatisticsFilters>) -> Result<HttpResponse> {
    let call = call.from_standby().await;
    let pool = call.pool();
    let read = move |db: &mut PgConnection, actor: &Actor| {
        let StatisticsFilters {
            from,
            to,
            interval,
            criticality,
            channel,
            category_id,
            unit_id,
            by,
            with_links,
        } = query.separated_by_commas("by").read()?;
        let period = Period { from, to };
        let question = Question {
            period,
            interval,
            scope: Scope { criticality, channel, category_id, unit_id },
            timezone: actor.timezone,
            now: actor.now,
            by: if by.is_empty() { Breakdowns::usual() } else { Breakdowns::of(&by) },
            with_links,
            earlier: period.before().map(|before| (before, Breakdowns::default())).into_iter().collect(),
        };
        Ok((disclosure::applies_to(actor.rights()), question.clone(), question.count(db, &pool)?))
    };
    let make = |(totals_only, question, counted): (bool, Question, Counted)| {
        let mut statistics = counted.finish().statistics;
        if totals_only {
            statistics.withhold_answers(&question);
        }
        Answer::ok(&statistics)
    };
    call.read_then(read, make).await
}
