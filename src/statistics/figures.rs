//! The definitions of the figures, which are published in the contract, and the values that follow from counts. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::disclosure::WithheldReason;

/// The path of the list that each figure counts, by the name of the figure: with `with_total=true` the `total` of the
/// list is the figure. The names of nested figures have a dot, such as `surveys.sent`. Shares, times and ages refer
/// to the tickets of the counts that their descriptions name.
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
                 `total` is the figure. The names of nested figures have a dot, such as `surveys.sent`. Shares, times \
                 and ages refer to the tickets of the counts that their descriptions name.",
            ))
            .examples([json!({
                "received": "/api/v1/tickets?imported=false&received_from=2026-10-01T05%3A00%3A00Z&received_before=2027-01-01T05%3A00%3A00Z"
            })])
            .into()
    }
}

impl ToSchema for Links {}

/// The distribution of times, in the unit that the name of the field gives; `null` if there are no values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Spread {
    /// The arithmetic mean; `null` if there are no values.
    pub mean: Option<f64>,
    /// Half of the values are not above it; `null` if there are no values. It is interpolated between values.
    pub median: Option<f64>,
    /// Nine tenths of the values are not above it (90th percentile); `null` if there are no values. It is interpolated
    /// between values.
    pub p90: Option<f64>,
}

/// The figures of some tickets in a period.
///
/// A ticket counts under its current criticality and category, and under the unit and the channel of its
/// registration. A period begins at the first moment of its first day and ends before the first moment of the day
/// after its last, in the entity's time zone. Later changes of a ticket do not change what was solved, closed,
/// archived, reopened, escalated or open in the period. The results for tickets received in the period (attention,
/// `received_solved`) are the current ones.
///
/// Surveys that retention removed still count in every figure; the lists behind `surveys` only contain tickets whose
/// survey still exists, so that their `total` may be less than the figure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Received in the period.
    pub received: i64,
    /// Those of `received` that are solved or closed now.
    pub received_solved: i64,
    /// Those of `received` that are archived now.
    pub received_archived: i64,
    /// `received_solved` as a share, from 0 to 1, of those of `received` that are not archived; `null` if there are
    /// none.
    pub solution_rate: Option<f64>,
    /// Those of `received` that were accepted for the first time by the due time of their first attention clock.
    pub attended_in_time: i64,
    /// Those of `received` that were accepted for the first time after it.
    pub attended_late: i64,
    /// Those of `received` that are not accepted yet and not archived.
    pub waiting: i64,
    /// Those of `waiting` whose due time has passed, or had passed when the clock was paused.
    pub waiting_overdue: i64,
    /// `attended_in_time` as a share, from 0 to 1, of `attended_in_time`, `attended_late` and `waiting_overdue`;
    /// `null` if all of them are 0. Tickets that were archived before any acceptance do not count.
    pub attention_compliance: Option<f64>,
    /// From the reception to the first acceptance, in elapsed minutes; for `attended_in_time` and `attended_late`.
    pub attention_minutes: Spread,
    /// From the reception to the first acceptance, in working minutes: when the calendar of the criticality was open,
    /// excluding waits for information from the requester.
    pub attention_working_minutes: Spread,
    /// Solved in the period, including those that were reopened later.
    pub solved: i64,
    /// Those of `solved` that were solved at support level 1.
    pub solved_at_level_1: i64,
    /// `solved_at_level_1` as a share of `solved`, from 0 to 1: first-level resolution; `null` if `solved` is 0.
    pub first_level_rate: Option<f64>,
    /// Those of `solved` from which a knowledge base article was written, at any time.
    pub solved_with_article: i64,
    /// From the reception to the solution, in elapsed minutes; for each solution of `solved`. A ticket that was
    /// solved more than once in the period has one value per solution.
    pub solution_minutes: Spread,
    /// From the reception to the solution, in working minutes, as in `attention_working_minutes`.
    pub solution_working_minutes: Spread,
    /// Closed in the period.
    pub closed: i64,
    /// Archived in the period.
    pub archived: i64,
    /// `archived`, divided by the reason.
    pub archived_by_reason: ArchivedByReason,
    /// Reopened in the period, regardless of when it was solved.
    pub reopened: i64,
    /// Escalated in the period, by staff or automatically. A ticket that was escalated twice counts once.
    pub escalated: i64,
    /// The backlog at the end of the period: tickets received before it that are neither solved nor archived, or were
    /// reopened and not solved again. In a period that has not ended, the current backlog.
    pub open: i64,
    /// `open`, divided by age.
    pub open_by_age: OpenByAge,
    /// The age of `open` at that moment, in days of 24 hours since the reception.
    pub open_age_days: Spread,
    /// The perception surveys of these tickets.
    pub surveys: Surveys,
    /// For each count, by its name, the path of the list of what it counts. Empty without `with_links=true`, and in
    /// quarterly reports.
    pub links: Links,
}

/// `archived` by reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ArchivedByReason {
    /// Tickets archived because information that the desk needs was missing.
    pub missing_information: i64,
    /// Tickets archived because the requester's profile is not authorized for the category.
    pub profile_not_authorized: i64,
    /// Tickets archived as duplicates of another ticket.
    pub duplicate: i64,
    /// Tickets archived because they were withdrawn.
    pub withdrawn: i64,
}

/// `open` by age in days of 24 hours since the reception, at the moment of `open`.
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

/// The perception surveys of these tickets. The individual ratings are visible only to roles that may read individual
/// answers: other roles have no access to the list behind `satisfied`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = SurveyFigures)]
pub struct Surveys {
    /// Offered for the first time in the period.
    pub sent: i64,
    /// Those of `sent` that are answered now.
    pub responded: i64,
    /// `responded` as a share of `sent`, from 0 to 1; `null` if `sent` is 0.
    pub response_rate: Option<f64>,
    /// Answered in the period.
    pub answered: i64,
    /// Those of `answered` that rate the service as a whole 4 or 5; `null` if withheld.
    pub satisfied: Option<i64>,
    /// `satisfied` as a share of `answered`, from 0 to 1; `null` if there is no answer or it is withheld.
    pub satisfaction_rate: Option<f64>,
    /// The mean of each rating of `answered`, from 1 to 5; its fields are `null` if there is no answer or they are
    /// withheld.
    #[serde(rename = "mean_ratings")]
    pub mean: MeanRatings,
    /// Why `satisfied`, `satisfaction_rate` and the fields of `mean_ratings` are `null` although there are answers: the
    /// reader may not read individual answers, which could be computed from them. `null` if nothing is withheld.
    #[serde(rename = "withheld_reason")]
    pub withheld: Option<WithheldReason>,
    /// Those of `answered` whose ticket is open again.
    #[serde(skip)]
    pub(super) not_final: i64,
}

impl Surveys {
    /// Removes the figures that are computed from answers, if there are answers.
    pub(super) fn withhold(&mut self, reason: WithheldReason) {
        if self.answered > 0 {
            self.satisfied = None;
            self.satisfaction_rate = None;
            self.mean = MeanRatings::default();
            self.withheld = Some(reason);
        }
    }
}

/// The mean of each rating; `null` if there is no answer or it is withheld.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct MeanRatings {
    /// The mean rating of the service as a whole, from 1 to 5; `null` if there is no answer or it is withheld.
    pub overall: Option<f64>,
    /// The mean rating of the timeliness, from 1 to 5; `null` if there is no answer or it is withheld.
    pub timeliness: Option<f64>,
    /// The mean rating of the courtesy of the staff, from 1 to 5; `null` if there is no answer or it is withheld.
    pub courtesy: Option<f64>,
    /// The mean rating of the quality of the solution, from 1 to 5; `null` if there is no answer or it is withheld.
    pub solution: Option<f64>,
}

/// The work of a member of staff, or of the staff of a support level, in a period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Work {
    /// Tickets accepted at a support level, for the first time since they reached it.
    pub accepted: i64,
    /// Those of `accepted` by the due time of that level's clock. A ticket that was accepted at two levels may count
    /// both here and in `accepted_late`.
    pub accepted_in_time: i64,
    /// Those of `accepted` after that due time.
    pub accepted_late: i64,
    /// `accepted_in_time` as a share of `accepted_in_time` and `accepted_late`, from 0 to 1; `null` if both are 0.
    pub acceptance_compliance: Option<f64>,
    /// From the start of the level's clock to each acceptance, in elapsed minutes.
    pub acceptance_minutes: Spread,
    /// From the start of the level's clock to each acceptance, in working minutes on the calendar, excluding waits
    /// for information.
    pub acceptance_working_minutes: Spread,
    /// Tickets solved, including those that were reopened later.
    pub solved: i64,
    /// From the reception of the ticket to each of these solutions, in elapsed minutes.
    pub solution_minutes: Spread,
    /// From the reception of the ticket to each of these solutions, in working minutes.
    pub solution_working_minutes: Spread,
    /// Tickets reopened in the period whose reopened solution was by this person or level, whenever it was recorded.
    pub reopened: i64,
    /// Tickets that this person escalated, or that were escalated to this level.
    pub escalated: i64,
    /// For each count, by its name, the path of the list of what it counts. Empty without `with_links=true`, and in
    /// quarterly reports.
    pub links: Links,
}

/// A part of a whole as a share from 0 to 1; `None` if the whole is 0.
pub fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Figures {
    /// Whether all counts are 0.
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

    /// Adds the shares that follow from its counts.
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
    /// Adds the share that follows from its counts.
    pub fn with_shares(mut self) -> Self {
        self.acceptance_compliance = share(self.accepted_in_time, self.accepted_in_time + self.accepted_late);
        self
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
        // Waiting tickets that are not due yet do not affect compliance.
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
