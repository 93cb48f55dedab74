//! Removes survey figures from the statistics that readers of totals may not read; see `disclosure`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::answer::{Part, Statistics};
use super::disclosure::{self, FEWEST, WithheldReason};
use super::figures::Figures;
use super::links::Scope;
use super::period::{Period, Quarter};
use super::reckon::Question;

impl Statistics {
    /// Withholds from a reader of totals the figures from which individual answers could be computed. `question` has
    /// the parameters of the request.
    pub fn withhold_answers(&mut self, question: &Question) {
        let not_offered = WithheldReason::NotOffered;
        let groups = (self.by_criticality.iter_mut().map(|row| &mut row.figures))
            .chain(self.by_unit.iter_mut().map(|row| &mut row.figures))
            .chain(self.by_channel.iter_mut().map(|row| &mut row.figures));
        groups.for_each(|figures| withhold(figures, Some(not_offered)));
        let whole = reason(&self.tickets, self.period(), question);
        // All categories of the period or none: what is withheld follows from all of them. Without them only the total is
        // shown.
        let categories = self.by_category.as_mut_slice();
        let parts = match whole {
            Some(reason) => vec![Some(reason); categories.len()],
            None if self.tickets.surveys.not_final > 0 => {
                vec![Some(WithheldReason::NotFinal); categories.len()]
            }
            None => {
                let answers: Vec<i64> = categories.iter().map(|row| row.figures.surveys.answered).collect();
                disclosure::withheld_parts(&answers)
            }
        };
        for (row, reason) in categories.iter_mut().zip(parts) {
            withhold(&mut row.figures, reason);
        }
        withhold(&mut self.tickets, whole);
        self.surveys = self.tickets.surveys.clone();
        for part in self.series.iter_mut().chain(&mut self.previous) {
            part.withhold_answers(question);
        }
    }

    fn period(&self) -> Period {
        Period { from: self.from, to: self.to }
    }
}

impl Part {
    /// The same, for all tickets in a part of a period.
    pub fn withhold_answers(&mut self, question: &Question) {
        let reason = reason(&self.figures, Period { from: self.from, to: self.to }, question);
        withhold(&mut self.figures, reason);
    }
}

fn withhold(figures: &mut Figures, reason: Option<WithheldReason>) {
    // The list behind it is not accessible to readers of totals.
    figures.links.0.remove("surveys.satisfied");
    if let Some(reason) = reason {
        figures.surveys.withhold(reason);
    }
}

/// Why the figures of all tickets of a period are withheld; `None` if they are not.
fn reason(figures: &Figures, period: Period, question: &Question) -> Option<WithheldReason> {
    if !is_offered(period, &question.scope, question.timezone, question.now) {
        Some(WithheldReason::NotOffered)
    } else if figures.surveys.answered < FEWEST {
        Some(WithheldReason::FewAnswers)
    } else {
        None
    }
}

/// Whether readers of totals may read figures of this period: it is one calendar quarter that has ended, without
/// filters.
fn is_offered(period: Period, scope: &Scope, timezone: Tz, now: DateTime<Utc>) -> bool {
    let over = period.bounds(timezone).is_ok_and(|(_, end)| end <= now);
    over && scope.is_all() && Quarter::containing(period.from).period() == Some(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_offered_of_whole_quarters_that_are_over() {
        let offered = |from: &str, to: &str, scope: &Scope| {
            let period = Period { from: from.parse().unwrap(), to: to.parse().unwrap() };
            let now = "2026-10-01T05:00:00Z".parse().unwrap();
            is_offered(period, scope, chrono_tz::America::Bogota, now)
        };
        let all = Scope::default();
        assert!(offered("2026-07-01", "2026-09-30", &all) && offered("2025-10-01", "2025-12-31", &all));
        for (from, to) in [
            ("2026-10-01", "2026-12-31"),
            ("2026-07-01", "2026-09-29"),
            ("2026-07-02", "2026-09-30"),
            ("2026-08-01", "2026-08-31"),
            ("2026-04-01", "2026-09-30"),
            ("2025-01-01", "2025-12-31"),
        ] {
            assert!(!offered(from, to, &all), "{from} {to}");
        }
        let narrowed = Scope { unit_id: vec![uuid::Uuid::nil()], ..Scope::default() };
        assert!(!offered("2026-07-01", "2026-09-30", &narrowed));
    }
}
