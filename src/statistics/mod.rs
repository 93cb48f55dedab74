//! Activity 11: the figures of a period.

pub mod figures;

use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use figures::Statistics;

use crate::auth::policy::Action;
use crate::http::query::invalid;
use crate::http::{Answer, Call, Query};
use crate::problem::{Result, Text};

pub fn routes(config: &mut ServiceConfig) {
    config.service(read);
}

/// Which days to count.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// The first day.
    #[param(example = "2026-10-01")]
    from: NaiveDate,
    /// The last day; it counts as well.
    #[param(example = "2026-12-31")]
    to: NaiveDate,
}

/// The longest period, in days.
const LONGEST: i64 = 3_660;

/// Read the statistics of a period
///
/// Days begin and end by the entity's clock (`MESA_TIMEZONE`). Each figure is reckoned from the tickets themselves at
/// the moment of asking. Technicians read the survey's totals here.
#[utoipa::path(
    tag = "statistics", operation_id = "getStatistics", params(Period),
    responses((status = 200, body = Statistics))
)]
#[get("/statistics")]
pub async fn read(call: Call, query: Query<Period>) -> Result<HttpResponse> {
    let timezone = call.desk.config.timezone;
    call.read(Action::ReadStatistics, move |db, actor| {
        let period: Period = query.read()?;
        let (begin, end) = period.bounds(timezone)?;
        Answer::ok(&figures::reckon(db, period.from, period.to, begin, end, actor.now)?)
    })
    .await
}

impl Period {
    /// The first moment of the period, and the first one after it.
    ///
    /// # Errors
    /// A 400 where the days are no period, or one of more than ten years.
    pub fn bounds(&self, timezone: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        let Period { from, to } = *self;
        if to < from {
            return Err(invalid(
                "to",
                Text::new("Debe ser `from` o después.", "It must be `from` or later."),
            ));
        }
        if (to - from).num_days() > LONGEST {
            return Err(invalid(
                "to",
                Text::new("El período admite diez años.", "A period may have ten years."),
            ));
        }
        midnight(timezone, Some(from))
            .zip(midnight(timezone, to.succ_opt()))
            .ok_or_else(|| invalid("from", Text::new("El día no existe.", "There is no such day.")))
    }
}

/// The first moment of a day.
fn midnight(timezone: Tz, day: Option<NaiveDate>) -> Option<DateTime<Utc>> {
    let day = day?;
    // Where clocks are put forward at midnight, the day begins an hour later.
    (0..=3)
        .find_map(|hour| timezone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest())
        .map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_by_the_entitys_clock() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23);
        let begins = midnight(chrono_tz::America::Bogota, day).unwrap();
        assert_eq!(begins.to_rfc3339(), "2026-11-23T05:00:00+00:00");
    }

    #[test]
    fn a_day_that_lacks_its_first_hour_begins_with_the_second() {
        let day = NaiveDate::from_ymd_opt(2026, 9, 6);
        let begins = midnight(chrono_tz::America::Santiago, day).unwrap();
        assert_eq!(begins.to_rfc3339(), "2026-09-06T04:00:00+00:00");
    }
}
