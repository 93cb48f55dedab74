//! Activity 11: the figures of a period.

mod counts;
pub mod disclosure;
mod facts;
pub mod figures;
mod links;
mod period;
pub mod profiles;
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
    config.service(read).service(profiles::list);
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
/// Technicians may read totals of survey answers but no single answers. They get figures computed from answers (`satisfied`,
/// `satisfaction_rate`, `mean`) only for one whole past calendar quarter without filters: for all tickets if at least five
/// surveys were answered, and by category if each category shown has at least five answers and the others cannot be computed by
/// subtraction. Everywhere else these fields are `null` for technicians (by criticality, unit and channel, by month, week and
/// day, and for other periods), because single answers could be computed from the differences. `surveys.withheld` gives the
/// reason. Professionals and the director get all figures.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadStatistics)), ("x-mesa-unversioned" = json!(true))),
    tag = "statistics", operation_id = "getStatistics", params(StatisticsFilters),
    responses((status = 200, body = Statistics))
)]
#[get("/statistics")]
pub async fn read(call: Call, query: Query<StatisticsFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let StatisticsFilters { from, to, interval, criticality, channel, category_id, unit_id } =
            query.read()?;
        let scope = Scope { criticality, channel, category_id, unit_id };
        let question = reckon::Question {
            period: Period { from, to },
            interval,
            scope,
            timezone: actor.timezone,
            now: actor.now,
        };
        let mut statistics = question.answer(db)?;
        if disclosure::applies_to(actor.role) {
            statistics.withhold_answers(&question);
        }
        Answer::ok(&statistics)
    })
    .await
}
