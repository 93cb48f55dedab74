//! The counts of one group of tickets, and of the work of one person or level. Pure.

use super::backlog_age::Age;
use super::fact::Receipt;
use super::figures::{Figures, MeanRatings, Work};
use crate::tickets::filters::AttentionState;
use crate::tickets::model::ArchiveReason;

/// The counts of one group of tickets.
#[derive(Clone, Default)]
pub struct Tally {
    /// Whether there is any fact.
    pub touched: bool,
    pub figures: Figures,
    /// Tickets escalated to levels 2 and 3.
    pub escalated_to: [i64; 2],
    /// The sums of the ratings.
    ratings: [i64; 4],
}

impl Tally {
    pub fn received(&mut self, ticket: &Receipt) {
        let figures = &mut self.figures;
        figures.received += 1;
        if ticket.solved {
            figures.received_solved += 1;
        } else if ticket.archived_at.is_some() {
            figures.received_archived += 1;
        }
        match ticket.attention {
            Some(AttentionState::InTime) => figures.attended_in_time += 1,
            Some(AttentionState::Late) => figures.attended_late += 1,
            Some(AttentionState::Waiting) => figures.waiting += 1,
            Some(AttentionState::WaitingOverdue) => {
                figures.waiting += 1;
                figures.waiting_overdue += 1;
            }
            None => {}
        }
    }

    pub fn archived(&mut self, reason: Option<ArchiveReason>) {
        self.figures.archived += 1;
        let by_reason = &mut self.figures.archived_by_reason;
        match reason {
            Some(ArchiveReason::MissingInformation) => by_reason.missing_information += 1,
            Some(ArchiveReason::ProfileNotAuthorized) => by_reason.profile_not_authorized += 1,
            Some(ArchiveReason::Duplicate) => by_reason.duplicate += 1,
            Some(ArchiveReason::Withdrawn) => by_reason.withdrawn += 1,
            None => {}
        }
    }

    pub fn open(&mut self, age: Age) {
        self.touched = true;
        self.figures.open += 1;
        let by_age = &mut self.figures.open_by_age;
        match age {
            Age::UpTo1Day => by_age.up_to_1_day += 1,
            Age::UpTo7Days => by_age.up_to_7_days += 1,
            Age::UpTo30Days => by_age.up_to_30_days += 1,
            Age::Older => by_age.older += 1,
        }
    }

    /// This many surveys were sent.
    pub fn sent(&mut self, surveys: i64, answered: bool) {
        self.figures.surveys.sent += surveys;
        if answered {
            self.figures.surveys.responded += surveys;
        }
    }

    /// This many surveys were answered alike. `is_final`: their tickets are closed or archived.
    pub fn answered(&mut self, surveys: i64, ratings: [i16; 4], is_final: bool) {
        let figures = &mut self.figures.surveys;
        figures.answered += surveys;
        if ratings[0] >= 4 {
            *figures.satisfied.get_or_insert(0) += surveys;
        }
        if !is_final {
            figures.not_final += surveys;
        }
        for (sum, rating) in self.ratings.iter_mut().zip(ratings) {
            *sum += surveys * i64::from(rating);
        }
    }

    /// The figures, with what follows from the counts; without any fact, the default.
    pub fn finish(self) -> Figures {
        if !self.touched {
            return Figures::default();
        }
        let mut figures = self.figures;
        let answered = figures.surveys.answered;
        let mean = |sum: i64| (answered > 0).then(|| sum as f64 / answered as f64);
        let [overall, timeliness, courtesy, solution] = self.ratings.map(mean);
        figures.surveys.mean = MeanRatings { overall, timeliness, courtesy, solution };
        figures.surveys.satisfied.get_or_insert(0);
        figures.with_shares()
    }
}

/// The counts of the work of one person or level.
#[derive(Clone, Default)]
pub struct WorkTally {
    pub touched: bool,
    pub work: Work,
}
