//! The rows of the counting query, and the figures computed from them.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::figures::{ArchivedByReason, Figures, MeanRatings, OpenByAge, Spread, Surveys, Work};
use crate::tickets::model::{Channel, Criticality};

/// The counts of one group or part.
#[derive(QueryableByName)]
pub struct Counts {
    #[diesel(sql_type = Integer)]
    pub part: i32,
    /// The grouping set of the row, as the bit mask of `GROUPING`.
    #[diesel(sql_type = Integer)]
    grouping: i32,
    #[diesel(sql_type = Nullable<Text>)]
    pub criticality: Option<Criticality>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub channel: Option<Channel>,
    #[diesel(sql_type = BigInt)]
    received: i64,
    #[diesel(sql_type = BigInt)]
    received_solved: i64,
    #[diesel(sql_type = BigInt)]
    received_archived: i64,
    #[diesel(sql_type = BigInt)]
    attended_in_time: i64,
    #[diesel(sql_type = BigInt)]
    attended_late: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    waiting_overdue: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    attention: Vec<Option<f64>>,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    attention_working: Vec<Option<f64>>,
    #[diesel(sql_type = BigInt)]
    solved: i64,
    #[diesel(sql_type = BigInt)]
    solved_at_level_1: i64,
    #[diesel(sql_type = BigInt)]
    solved_with_article: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    solution_times: Vec<Option<f64>>,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    solution_working: Vec<Option<f64>>,
    #[diesel(sql_type = BigInt)]
    closed: i64,
    #[diesel(sql_type = BigInt)]
    archived: i64,
    #[diesel(sql_type = BigInt)]
    missing_information: i64,
    #[diesel(sql_type = BigInt)]
    profile_not_authorized: i64,
    #[diesel(sql_type = BigInt)]
    duplicate: i64,
    #[diesel(sql_type = BigInt)]
    withdrawn: i64,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
    #[diesel(sql_type = BigInt)]
    escalated: i64,
    #[diesel(sql_type = BigInt)]
    pub escalated_to_2: i64,
    #[diesel(sql_type = BigInt)]
    pub escalated_to_3: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    open_1: i64,
    #[diesel(sql_type = BigInt)]
    open_7: i64,
    #[diesel(sql_type = BigInt)]
    open_30: i64,
    #[diesel(sql_type = BigInt)]
    open_older: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    open_age: Vec<Option<f64>>,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    responded: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = BigInt)]
    satisfied: i64,
    #[diesel(sql_type = BigInt)]
    not_final: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    ratings: Vec<Option<f64>>,
}

/// The column by which counts are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    Nothing,
    Criticality,
    Unit,
    Category,
    Channel,
}

impl Counts {
    pub fn by(&self) -> By {
        // A bit is set if the row is not grouped by that column.
        match self.grouping {
            0b0111 => By::Criticality,
            0b1011 => By::Unit,
            0b1101 => By::Category,
            0b1110 => By::Channel,
            _ => By::Nothing,
        }
    }
}

impl From<Counts> for Figures {
    fn from(counts: Counts) -> Self {
        let rating = |place: usize| counts.ratings.get(place).copied().flatten();
        let mean = MeanRatings {
            overall: rating(0),
            timeliness: rating(1),
            courtesy: rating(2),
            solution: rating(3),
        };
        Figures {
            received: counts.received,
            received_solved: counts.received_solved,
            received_archived: counts.received_archived,
            attended_in_time: counts.attended_in_time,
            attended_late: counts.attended_late,
            waiting: counts.waiting,
            waiting_overdue: counts.waiting_overdue,
            attention_minutes: Spread::from_values(counts.attention),
            attention_working_minutes: Spread::from_values(counts.attention_working),
            solved: counts.solved,
            solved_at_level_1: counts.solved_at_level_1,
            solved_with_article: counts.solved_with_article,
            solution_minutes: Spread::from_values(counts.solution_times),
            solution_working_minutes: Spread::from_values(counts.solution_working),
            closed: counts.closed,
            archived: counts.archived,
            archived_by_reason: ArchivedByReason {
                missing_information: counts.missing_information,
                profile_not_authorized: counts.profile_not_authorized,
                duplicate: counts.duplicate,
                withdrawn: counts.withdrawn,
            },
            reopened: counts.reopened,
            escalated: counts.escalated,
            open: counts.open,
            open_by_age: OpenByAge {
                up_to_1_day: counts.open_1,
                up_to_7_days: counts.open_7,
                up_to_30_days: counts.open_30,
                older: counts.open_older,
            },
            open_age_days: Spread::from_values(counts.open_age),
            surveys: Surveys {
                sent: counts.sent,
                responded: counts.responded,
                answered: counts.answered,
                satisfied: Some(counts.satisfied),
                not_final: counts.not_final,
                mean,
                ..Surveys::default()
            },
            ..Figures::default()
        }
        .with_shares()
    }
}

/// The counts of one person or one level.
#[derive(QueryableByName)]
pub struct WorkCounts {
    /// `None` if the row is about a level.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub person_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub full_name: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub level: Option<i16>,
    #[diesel(sql_type = BigInt)]
    accepted: i64,
    #[diesel(sql_type = BigInt)]
    accepted_in_time: i64,
    #[diesel(sql_type = BigInt)]
    accepted_late: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    acceptance: Vec<Option<f64>>,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    acceptance_working: Vec<Option<f64>>,
    #[diesel(sql_type = BigInt)]
    solved: i64,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    solution_times: Vec<Option<f64>>,
    #[diesel(sql_type = Array<Nullable<Double>>)]
    solution_working: Vec<Option<f64>>,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
    #[diesel(sql_type = BigInt)]
    escalated: i64,
}

impl From<WorkCounts> for Work {
    fn from(counts: WorkCounts) -> Self {
        Work {
            accepted: counts.accepted,
            accepted_in_time: counts.accepted_in_time,
            accepted_late: counts.accepted_late,
            acceptance_minutes: Spread::from_values(counts.acceptance),
            acceptance_working_minutes: Spread::from_values(counts.acceptance_working),
            solved: counts.solved,
            solution_minutes: Spread::from_values(counts.solution_times),
            solution_working_minutes: Spread::from_values(counts.solution_working),
            reopened: counts.reopened,
            escalated: counts.escalated,
            ..Work::default()
        }
        .with_shares()
    }
}
