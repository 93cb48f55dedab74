//! What the figures are: their definitions, which are the contract's text, and what follows from counts. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::disclosure::WithheldReason;

/// The path of the list that each figure counts, by the figure's name: with `with_total=true` the list's `total` is the
/// figure. What is inside of something is named with a dot, such as `surveys.sent`. Shares, times and ages are of the tickets
/// of the counts that their text names.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Links(pub BTreeMap<String, String>);

impl PartialSchema for Links {
    fn schema() -> RefOr<Schema> {
        let path = ObjectBuilder::new().schema_type(Type::String).max_length(Some(10_000));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(Schema::from(path)))
            .description(Some(
                "The path of the list that each figure counts, by the figure's name: with `with_total=true` the list's \
                 `total` is the figure. What is inside of something is named with a dot, such as `surveys.sent`. Shares, \
                 times and ages are of the tickets of the counts that their text names.",
            ))
            .examples([json!({
                "received": "/api/v1/tickets?received_from=2026-10-01T05%3A00%3A00Z&received_to=2027-01-01T05%3A00%3A00Z"
            })])
            .into()
    }
}

impl ToSchema for Links {}

/// How far times lie apart, in the unit that its name says; `null` where there is nothing to measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Spread {
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// Half of them are not above it.
    pub median: Option<f64>,
    /// Nine tenths of them are not above it (90th percentile). Between two measured times, median and percentile are
    /// interpolated.
    pub p90: Option<f64>,
}

/// The figures of some tickets in a period.
///
/// A ticket counts under the criticality and the category that it has now, and under the unit and the channel of its
/// registration. "In the period" is from its first moment until before the first moment after it, by the entity's clock.
/// Nothing that happens to a ticket after a period changes what was solved, closed, archived, reopened, escalated or open
/// in it. What became of the tickets received in it (attention, `received_solved`) is told as it is now.
///
/// Surveys that retention removed go on counting in every figure; the lists behind `surveys` name those alone whose survey
/// is still there, so that their `total` may be less than the figure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Received in the period.
    pub received: i64,
    /// Those of `received` that are solved or closed now.
    pub received_solved: i64,
    /// Those of `received` that are archived now.
    pub received_archived: i64,
    /// `received_solved` as a share, from 0 to 1, of those of `received` that are not archived; `null` where there are none.
    pub solution_rate: Option<f64>,
    /// Those of `received` that were accepted for the first time by the due time of their first attention clock.
    pub attended_in_time: i64,
    /// Those of `received` that were accepted for the first time after it.
    pub attended_late: i64,
    /// Those of `received` that are not accepted yet and not archived.
    pub waiting: i64,
    /// Those of `waiting` whose due time has passed, or had when the clock came to stand still.
    pub waiting_overdue: i64,
    /// `attended_in_time` as a share, from 0 to 1, of `attended_in_time`, `attended_late` and `waiting_overdue`; `null` where
    /// all of them are none. What was archived before anybody accepted it does not count.
    pub attention_compliance: Option<f64>,
    /// From the reception to the first acceptance, in minutes as they pass on any clock; of `attended_in_time` and
    /// `attended_late`.
    pub attention_minutes: Spread,
    /// The same in minutes that counted: when the calendar of the criticality was open, without the waits for information
    /// from the requester.
    pub attention_working_minutes: Spread,
    /// Solved in the period, whatever became of it later.
    pub solved: i64,
    /// Those of `solved` whose solution was found at support level 1.
    pub solved_at_level_1: i64,
    /// `solved_at_level_1` as a share of `solved`, from 0 to 1: first-level resolution.
    pub first_level_rate: Option<f64>,
    /// Those of `solved` from which an article of the knowledge base was written, at any time.
    pub solved_with_article: i64,
    /// From the reception to the solution, in minutes as they pass on any clock; of each solution of `solved`. A ticket that
    /// was solved again in the same period is measured each time.
    pub solution_minutes: Spread,
    /// The same in minutes that counted, as in `attention_working_minutes`.
    pub solution_working_minutes: Spread,
    /// Closed in the period.
    pub closed: i64,
    /// Archived in the period.
    pub archived: i64,
    pub archived_by_reason: ArchivedByReason,
    /// Reopened in the period: the solution, of whatever time, did not hold.
    pub reopened: i64,
    /// Escalated in the period, by staff or by the desk itself. A ticket that was escalated twice counts once.
    pub escalated: i64,
    /// The backlog at the end of the period: tickets received before it that are neither solved nor archived, or were reopened
    /// and not solved again. In a period that has not ended, the current backlog.
    pub open: i64,
    pub open_by_age: OpenByAge,
    /// The age of `open` at that moment, in days of 24 hours since the reception.
    pub open_age_days: Spread,
    pub surveys: Surveys,
    /// The list behind each count.
    pub links: Links,
}

/// `archived` by why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ArchivedByReason {
    pub missing_information: i64,
    pub profile_not_authorized: i64,
    pub duplicate: i64,
    pub withdrawn: i64,
}

/// `open` by age in days of 24 hours since the reception, at the moment that `open` is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct OpenByAge {
    /// Up to one day.
    pub up_to_1_day: i64,
    /// More than one day, up to seven.
    pub up_to_7_days: i64,
    /// More than seven days, up to thirty.
    pub up_to_30_days: i64,
    /// More than thirty days.
    pub older: i64,
}

/// The perception surveys of these tickets. Which ticket was rated how is for those who may read single answers: the list
/// behind `satisfied` is refused to others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Surveys {
    /// Offered for the first time in the period.
    pub sent: i64,
    /// Those of `sent` that are answered now.
    pub responded: i64,
    /// `responded` as a share of `sent`, from 0 to 1.
    pub response_rate: Option<f64>,
    /// Answered in the period.
    pub answered: i64,
    /// Those of `answered` that rate the service as a whole 4 or 5; `null` where it is withheld.
    pub satisfied: Option<i64>,
    /// `satisfied` as a share of `answered`, from 0 to 1; `null` without an answer and where it is withheld.
    pub satisfaction_rate: Option<f64>,
    /// The mean of each rating of `answered`, from 1 to 5.
    pub mean: MeanRatings,
    /// Why `satisfied`, `satisfaction_rate` and `mean` are `null` though there are answers: the reader may not read single
    /// answers, which could be computed from them. `null` where nothing is withheld.
    pub withheld: Option<WithheldReason>,
    /// Those of `answered` whose ticket is open again.
    #[serde(skip)]
    pub(super) not_final: i64,
}

impl Surveys {
    /// Takes out what is computed from answers, if there are any.
    pub(super) fn withhold(&mut self, reason: WithheldReason) {
        if self.answered > 0 {
            self.satisfied = None;
            self.satisfaction_rate = None;
            self.mean = MeanRatings::default();
            self.withheld = Some(reason);
        }
    }
}

/// The mean of each rating; `null` without an answer and where it is withheld.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct MeanRatings {
    pub overall: Option<f64>,
    pub timeliness: Option<f64>,
    pub courtesy: Option<f64>,
    pub solution: Option<f64>,
}

/// What a member of staff, or the staff of a support level, did in a period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Work {
    /// Tickets accepted at a support level for the first time.
    pub accepted: i64,
    /// Those of `accepted` by the due time of that level's clock. One that was accepted at two levels may count here and in
    /// `accepted_late`.
    pub accepted_in_time: i64,
    /// Those of `accepted` after it.
    pub accepted_late: i64,
    /// `accepted_in_time` as a share of `accepted_in_time` and `accepted_late`, from 0 to 1.
    pub acceptance_compliance: Option<f64>,
    /// From the start of the level's clock to each acceptance, in minutes as they pass on any clock.
    pub acceptance_minutes: Spread,
    /// The same in minutes that counted on the calendar, without the waits for information.
    pub acceptance_working_minutes: Spread,
    /// Tickets solved, whatever became of them later.
    pub solved: i64,
    /// From the ticket's reception to each of these solutions, in minutes as they pass on any clock.
    pub solution_minutes: Spread,
    /// The same in minutes that counted.
    pub solution_working_minutes: Spread,
    /// Tickets reopened in the period whose solution was theirs, of whatever time.
    pub reopened: i64,
    /// Tickets that this person escalated, or that were escalated to this level.
    pub escalated: i64,
    /// The list behind each count.
    pub links: Links,
}

/// A part of a whole as a share from 0 to 1; nothing is no share of nothing.
pub fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Figures {
    /// Whether there is anything to count.
    pub fn is_empty(&self) -> bool {
        let counts = [
            self.received,
            self.solved,
            self.closed,
            self.archived,
            self.reopened,
            self.escalated,
            self.open,
            self.surveys.sent,
            self.surveys.answered,
        ];
        counts.iter().all(|count| *count == 0)
    }

    /// With the shares that follow from its counts.
    pub fn with_shares(mut self) -> Self {
        let attended = self.attended_in_time + self.attended_late;
        self.solution_rate = share(self.received_solved, self.received - self.received_archived);
        self.attention_compliance = share(self.attended_in_time, attended + self.waiting_overdue);
        self.first_level_rate = share(self.solved_at_level_1, self.solved);
        self.surveys.response_rate = share(self.surveys.responded, self.surveys.sent);
        self.surveys.satisfaction_rate =
            self.surveys.satisfied.and_then(|satisfied| share(satisfied, self.surveys.answered));
        self
    }
}

impl Work {
    /// With the share that follows from its counts.
    pub fn with_shares(mut self) -> Self {
        self.acceptance_compliance = share(self.accepted_in_time, self.accepted_in_time + self.accepted_late);
        self
    }
}

impl Spread {
    /// From mean, median and 90th percentile, in this order.
    pub fn of(all: Vec<Option<f64>>) -> Self {
        let at = |place: usize| all.get(place).copied().flatten();
        Spread { mean: at(0), median: at(1), p90: at(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_shares() {
        let nothing = Figures::default().with_shares();
        assert!(nothing.is_empty());
        assert_eq!((nothing.attention_compliance, nothing.first_level_rate), (None, None));
        assert_eq!((nothing.surveys.response_rate, nothing.solution_rate), (None, None));
        // What waits and is not due yet says nothing of compliance.
        let waiting = Figures { received: 1, waiting: 1, ..Figures::default() }.with_shares();
        assert_eq!((waiting.attention_compliance, waiting.solution_rate), (None, Some(0.0)));
        assert_eq!(Work::default().with_shares().acceptance_compliance, None);
    }

    #[test]
    fn what_waits_past_its_due_time_is_not_in_time() {
        let figures = Figures {
            attended_in_time: 6,
            attended_late: 1,
            waiting: 5,
            waiting_overdue: 1,
            ..Figures::default()
        };
        assert_eq!(figures.with_shares().attention_compliance, Some(0.75));
    }
}
