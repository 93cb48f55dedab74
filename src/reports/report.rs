//! The content of a quarterly report.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::config::Config;
use crate::people::Person;
use crate::problem::{Problem, Result};
use crate::statistics::reckon::{Part, Question, Statistics};
use crate::statistics::{Interval, Period, Quarter, Scope};

/// The number of quarters in the trend, including the quarter of the report.
const TREND: usize = 5;

/// The report of a quarter.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuarterlyReport {
    /// The name of the entity (`MESA_ENTITY_NAME`).
    #[schema(example = "Alcaldía de Itagüí", max_length = 200)]
    pub entity: String,
    /// The year of the reported quarter.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    pub year: i32,
    /// The reported quarter, 1 to 4.
    #[schema(minimum = 1, maximum = 4, example = 4)]
    pub quarter: u32,
    /// The first day of the quarter.
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day of the quarter, inclusive.
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
    /// The time at which the figures were computed.
    pub generated_at: DateTime<Utc>,
    /// Whether the quarter had ended at `generated_at`. Otherwise the figures cover the quarter up to that time.
    pub over: bool,
    /// When and by whom the report was approved; `null` while it is a draft that reflects the current data.
    pub approval: Option<Approval>,
    /// The statistics of the quarter, with its months in `series`.
    pub statistics: Statistics,
    /// The figures of all tickets for this quarter and the four before it, the oldest first.
    pub trend: Vec<Part>,
}

/// The approval of a report, which does not change afterwards.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Approval {
    /// The time of the approval.
    pub approved_at: DateTime<Utc>,
    /// The person who approved the report.
    pub approved_by: Person,
}

/// The version of an approved report.
pub const APPROVED: &str = "approved";

impl QuarterlyReport {
    /// The version of a draft: a digest of its figures, in every format the same.
    pub fn figures_digest(&self) -> Result<String> {
        let figures = serde_json::to_vec(&(&self.entity, &self.statistics, &self.trend, self.over));
        Ok(hex::encode(&Sha256::digest(figures.map_err(Problem::internal)?)[..8]))
    }

    pub fn quarter(&self) -> Quarter {
        Quarter { year: self.year, number: self.quarter }
    }

    /// The version for readers of totals, who may not read individual survey answers.
    pub fn for_totals(mut self, timezone: Tz) -> Result<Self> {
        let question = Self::question(self.quarter(), timezone, self.generated_at)?;
        self.statistics.withhold_answers(&question);
        self.trend.iter_mut().for_each(|part| part.withhold_answers(&question));
        Ok(self)
    }

    fn question(quarter: Quarter, timezone: Tz, now: DateTime<Utc>) -> Result<Question> {
        let period = quarter.period().ok_or_else(Problem::not_found)?;
        let interval = Some(Interval::Month);
        Ok(Question { period, interval, scope: Scope::default(), timezone, now })
    }

    /// Computes the report at `now` from one snapshot.
    ///
    /// # Errors
    /// A 404 if there is no such quarter.
    pub fn gather(
        db: &mut PgConnection,
        config: &Config,
        quarter: Quarter,
        now: DateTime<Utc>,
        approval: Option<Approval>,
    ) -> Result<Self> {
        let question = Self::question(quarter, config.timezone, now)?;
        let period = question.period;
        let (_, end) = period.bounds(config.timezone)?;
        let quarters = std::iter::successors(Some(quarter), |quarter| Some(quarter.before())).take(TREND);
        let mut trend: Vec<Period> = quarters.filter_map(Quarter::period).collect();
        trend.reverse();
        let (statistics, trend) = db
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(|tx| Ok::<_, Problem>((question.answer_within(tx)?, question.series(tx, trend)?)))?;
        Ok(QuarterlyReport {
            entity: config.entity.name.clone(),
            year: quarter.year,
            quarter: quarter.number,
            from: period.from,
            to: period.to,
            generated_at: now,
            over: end <= now,
            approval,
            statistics,
            trend,
        })
    }
}
