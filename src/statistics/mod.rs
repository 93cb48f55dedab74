//! Activity 11: the figures of a period.

mod counts;
pub mod disclosure;
mod facts;
pub mod figures;
mod links;
mod period;
pub mod reckon;
mod withholding;

use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use links::Scope;
pub use period::{Interval, Period, Quarter, midnight};

use reckon::Statistics;

use crate::auth::policy::Action;
use crate::http::{Answer, Call, Query};
use crate::problem::Result;
use crate::tickets::model::{Channel, Criticality};

pub fn routes(config: &mut ServiceConfig) {
    config.service(read);
}

/// Which days to count, of which tickets, and into which parts to cut them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsFilters {
    /// The first day.
    #[param(example = "2026-10-01")]
    from: NaiveDate,
    /// The last day; it counts as well.
    #[param(example = "2026-12-31")]
    to: NaiveDate,
    /// Cuts the period into parts, 400 at most; without it `series` is empty.
    #[param(inline)]
    interval: Option<Interval>,
    /// Only tickets of this criticality, of any of these where it is repeated.
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
}

/// Read the statistics of a period
///
/// Days begin and end by the entity's clock (`MESA_TIMEZONE`). What each figure counts is said at its name in the schemas
/// `Figures`, `Surveys` and `Work`; `links` has the path of the list that it counts, so that each can be looked at ticket by
/// ticket. `previous` has the same figures of the period before: as many months before where the period is made of whole
/// months, else as many days.
///
/// Technicians read totals of survey answers and no single ones. What is computed from answers (`satisfied`,
/// `satisfaction_rate`, `mean`) is given to them for whole quarters of the calendar that are over, without filters: of all
/// tickets where at least five surveys were answered, and by category where at least five were in each category that is shown
/// and no other category's figures follow by subtraction. Everything else of it is `null` for them: by criticality, unit and
/// channel, by month, week and day, and of periods that are no such quarter, since single answers could be computed from the
/// differences. `surveys.withheld` says why. Professionals and the director are given all of it.
#[utoipa::path(
    tag = "statistics", operation_id = "getStatistics", params(StatisticsFilters),
    responses((status = 200, body = Statistics))
)]
#[get("/statistics")]
pub async fn read(call: Call, query: Query<StatisticsFilters>) -> Result<HttpResponse> {
    let timezone = call.desk.config.timezone;
    call.read(Action::ReadStatistics, move |db, actor| {
        let StatisticsFilters { from, to, interval, criticality, channel, category_id, unit_id } =
            query.read()?;
        let scope = Scope { criticality, channel, category_id, unit_id };
        let question =
            reckon::Question { period: Period { from, to }, interval, scope, timezone, now: actor.now };
        let mut statistics = question.answer(db)?;
        if disclosure::applies_to(actor.role) {
            statistics.withhold_answers(&question);
        }
        Answer::ok(&statistics)
    })
    .await
}
