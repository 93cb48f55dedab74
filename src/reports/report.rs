//! The content of a quarterly report.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::comments::ReportComments;
use super::findings::worsened::Quarterly;
use super::findings::{ReportFindings, compliance, proposed, worsened};
use super::indicators::ReportIndicator;
use super::narrative::QuarterlyReportNarrative;
use super::proposals::{self, ReportAction};
use crate::config::Config;
use crate::db::Db;
use crate::people::Person;
use crate::problem::{Problem, Result};
use crate::statistics::answer::{Part, Statistics};
use crate::statistics::breakdown::{Breakdown, Breakdowns};
use crate::statistics::reckon::{Answered, Question};
use crate::statistics::{Interval, Period, Quarter, Scope};

/// The number of quarters in the trend, including the quarter of the report.
const TREND: usize = 5;

/// The report of a quarter.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuarterlyReport {
    /// The name of the entity (`MESA_ENTITY_NAME`).
    #[schema(example = "Alcaldía de Itagüí", max_length = 200)]
    pub entity: String,
    /// The procedure that requires the report.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false)]
    pub procedure: ReportProcedure,
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
    /// What its author wrote before the approval.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false)]
    pub narrative: QuarterlyReportNarrative,
    /// The answer to the director in sentences: compliance, what got worse and where, what is proposed.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false)]
    pub first_page: ReportFindings,
    /// The indicators whose periods end in the quarter, with targets and lights, by name and period.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false, max_items = 1000)]
    pub indicators: Vec<ReportIndicator>,
    /// The improvement actions that are open or proposed, by due date; at most 200.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false, max_items = 200)]
    pub improvement_actions: Vec<ReportAction>,
    /// The comments of the surveys answered in the quarter, without names.
    /// Omitted in reports that an earlier version of the server approved.
    #[schema(required = false)]
    pub comments: ReportComments,
    /// The statistics of the quarter, with its months in `series`.
    pub statistics: Statistics,
    /// The figures of all tickets for this quarter and the four before it, the oldest first.
    pub trend: Vec<Part>,
    /// The statistics of the quarter before.
    #[serde(skip)]
    before: Option<Statistics>,
}

/// The code and the version of the procedure that requires the report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportProcedure {
    /// The code of the procedure (`MESA_PROCEDURE_CODE`).
    #[schema(example = "PR-RF-09", max_length = 30)]
    pub code: String,
    /// The version of the procedure (`MESA_PROCEDURE_VERSION`).
    #[schema(example = "06", max_length = 30)]
    pub version: String,
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
    /// The version of a draft: a digest of its content, in every format the same.
    pub fn figures_digest(&self) -> Result<String> {
        let content = serde_json::to_vec(&(
            (&self.entity, &self.procedure, &self.statistics, &self.trend, self.over),
            (&self.narrative, &self.first_page, &self.indicators, &self.improvement_actions, &self.comments),
        ));
        Ok(hex::encode(&Sha256::digest(content.map_err(Problem::internal)?)[..8]))
    }

    pub fn quarter(&self) -> Quarter {
        Quarter { year: self.year, number: self.quarter }
    }

    /// The version for readers of totals, who may not read individual survey answers.
    pub fn for_totals(mut self, timezone: Tz) -> Result<Self> {
        let question = Self::question(self.quarter(), timezone, self.generated_at)?;
        self.statistics.withhold_answers(&question);
        self.trend.iter_mut().for_each(|part| part.withhold_answers(&question));
        if let (Some(before), Some(period)) = (&mut self.before, question.period.before()) {
            before.withhold_answers(&Question { period, ..question });
        }
        self.indicators = self.indicators.into_iter().map(ReportIndicator::for_totals).collect();
        if let Some(reason) = self.statistics.surveys.withheld.filter(|_| self.comments.withheld.is_none()) {
            self.comments = ReportComments::withheld(reason);
        }
        Ok(self.with_findings())
    }

    /// The same, with the sentences that follow from its figures.
    fn with_findings(mut self) -> Self {
        let before = self.before.as_ref().map(Quarterly::from);
        self.first_page = ReportFindings {
            compliance: compliance::findings(&self.indicators),
            worsened: worsened::findings(&Quarterly::from(&self.statistics), before.as_ref()),
            proposed: proposed::findings(self.narrative.proposals.as_deref(), &self.improvement_actions),
        };
        self
    }

    /// The quarter by month with everything that is printed, and the quarters of the trend before it: of the last one
    /// also the groups, to compare them.
    fn question(quarter: Quarter, timezone: Tz, now: DateTime<Utc>) -> Result<Question> {
        let period = quarter.period().ok_or_else(Problem::not_found)?;
        let compared = Breakdowns::of(&[Breakdown::Criticality, Breakdown::Unit, Breakdown::Category]);
        let before = std::iter::successors(Some(quarter.before()), |quarter| Some(quarter.before()));
        let before = before.take(TREND - 1).filter_map(Quarter::period);
        let breakdowns = [compared].into_iter().chain(std::iter::repeat(Breakdowns::default()));
        let mut earlier: Vec<(Period, Breakdowns)> = before.zip(breakdowns).collect();
        earlier.reverse();
        Ok(Question {
            period,
            interval: Some(Interval::Month),
            scope: Scope::default(),
            timezone,
            now,
            by: Breakdowns::all(),
            with_links: false,
            earlier,
        })
    }

    /// Reads the report at `now` from one snapshot; if the pool has a connection to spare, with two.
    ///
    /// # Errors
    /// A 404 if there is no such quarter.
    pub fn gather(
        db: &mut PgConnection,
        config: &Config,
        pool: Option<&Db>,
        quarter: Quarter,
        now: DateTime<Utc>,
        approval: Option<Approval>,
    ) -> Result<Gathered> {
        let question = Self::question(quarter, config.timezone, now)?;
        let period = question.period;
        let (begin, end) = period.bounds(config.timezone)?;
        let day = now.with_timezone(&config.timezone).date_naive();
        let read = |tx: &mut PgConnection| {
            let counted = question.count_within(tx, pool)?;
            let answered = counted.answered();
            let narrative = QuarterlyReportNarrative::find(tx, quarter)?;
            let indicators = ReportIndicator::of_quarter(tx, quarter, config.timezone, now)?;
            let improvement_actions = proposals::actions(tx, day)?;
            let comments = ReportComments::of_period(tx, (begin, end), answered)?;
            let (entity, code, version) = (
                config.entity.name.clone(),
                config.entity.procedure.code.clone(),
                config.entity.procedure.version.clone(),
            );
            let finish = move || {
                let Answered { statistics, mut earlier } = counted.finish();
                let trend = earlier.iter().chain([&statistics]).map(Statistics::total).collect();
                let report = QuarterlyReport {
                    entity,
                    procedure: ReportProcedure { code, version },
                    year: quarter.year,
                    quarter: quarter.number,
                    from: period.from,
                    to: period.to,
                    generated_at: now,
                    over: end <= now,
                    approval,
                    narrative,
                    first_page: ReportFindings::default(),
                    indicators,
                    improvement_actions,
                    comments,
                    trend,
                    before: earlier.pop(),
                    statistics,
                };
                report.with_findings()
            };
            Ok::<_, Problem>(Gathered(Box::new(finish)))
        };
        db.build_transaction().repeatable_read().read_only().run(read)
    }
}

/// Everything that was read for a report, before the figures are computed: that needs no connection.
pub struct Gathered(Box<dyn FnOnce() -> QuarterlyReport + Send>);

impl Gathered {
    /// Computes the figures.
    pub fn finish(self) -> QuarterlyReport {
        (self.0)()
    }
}
