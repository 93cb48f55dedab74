//! The figures of the frames, after all facts were counted. Pure.

use uuid::Uuid;

use super::backlog_age::Age;
use super::breakdown::{Breakdown, OF_TICKETS};
use super::fact::days;
use super::figures::{Figures, Spread, Work};
use super::fold::Fold;
use super::frame_counts::{FrameCounts, at};
use super::samples::BySlot;
use super::spread::Sorted;
use super::tally::WorkTally;
use crate::tickets::model::{Channel, Criticality};

/// The figures of a frame. Lists of breakdowns that are not wanted are empty, and so are groups without any fact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grouped {
    pub all: Figures,
    /// Tickets escalated to levels 2 and 3.
    pub escalated_to: [i64; 2],
    pub by_criticality: Vec<(Option<Criticality>, Figures)>,
    pub by_channel: Vec<(Channel, Figures)>,
    pub by_category: Vec<(Option<Uuid>, Figures)>,
    pub by_unit: Vec<(Option<Uuid>, Figures)>,
    pub by_person: Vec<(Uuid, Work)>,
    pub by_level: Vec<(i16, Work)>,
}

impl Fold {
    /// The figures of each frame of the plan, in its order.
    pub fn finish(mut self) -> Vec<Grouped> {
        let counted = std::mem::take(&mut self.counted);
        let slots = self.plan.slots.len();
        let times = Times {
            attention: self.attention.by_slot(slots),
            solutions: self.solutions.by_slot(slots),
            acceptances: self.acceptances.by_slot(slots),
        };
        counted.into_iter().map(|one| self.finish_frame(one, &times)).collect()
    }

    fn finish_frame(&self, mut counted: FrameCounts, times: &Times<'_>) -> Grouped {
        let slots = counted.frame.slots.clone();
        self.count_backlog(&mut counted);
        let of = |samples: &'_ BySlot<'_>, row: u32| samples.samples.ticket(row);
        let (attention, solutions) = (&times.attention, &times.solutions);
        self.spread(&mut counted, &attention.elapsed(&slots), &|row| of(attention, row), |figures| {
            &mut figures.attention_minutes
        });
        self.spread(&mut counted, &attention.working(&slots), &|row| of(attention, row), |figures| {
            &mut figures.attention_working_minutes
        });
        let (elapsed, working) = (solutions.elapsed(&slots), solutions.working(&slots));
        self.spread(&mut counted, &elapsed, &|row| of(solutions, row), |figures| {
            &mut figures.solution_minutes
        });
        self.spread(&mut counted, &working, &|row| of(solutions, row), |figures| {
            &mut figures.solution_working_minutes
        });
        if counted.frame.by.has_work() {
            work_spread(&mut counted, &elapsed, solutions, |work| &mut work.solution_minutes);
            work_spread(&mut counted, &working, solutions, |work| &mut work.solution_working_minutes);
            let acceptances = &times.acceptances;
            let (elapsed, working) = (acceptances.elapsed(&slots), acceptances.working(&slots));
            work_spread(&mut counted, &elapsed, acceptances, |work| &mut work.acceptance_minutes);
            work_spread(&mut counted, &working, acceptances, |work| &mut work.acceptance_working_minutes);
        }
        self.named(counted)
    }

    fn count_backlog(&self, counted: &mut FrameCounts) {
        let Some(slot) = counted.frame.slots.end.checked_sub(1) else { return };
        let (moment, open) = self.backlog.at(slot);
        let mut ages = Vec::new();
        for ticket in open {
            let age = days(self.received_at(ticket), moment);
            ages.push((age, ticket));
            let kind = Age::of_days(age);
            counted.all.open(kind);
            for (place, breakdown) in OF_TICKETS.iter().enumerate() {
                if counted.frame.by.has(*breakdown)
                    && let Some(group) = self.group(ticket, place)
                {
                    at(&mut counted.groups[place], group).open(kind);
                }
            }
        }
        self.spread(counted, &Sorted::new(ages.into_iter()), &|ticket| ticket, |figures| {
            &mut figures.open_age_days
        });
    }

    /// Distributes values over all tickets and over the groups.
    fn spread(
        &self,
        counted: &mut FrameCounts,
        values: &Sorted,
        ticket: &impl Fn(u32) -> u32,
        field: impl Fn(&mut Figures) -> &mut Spread,
    ) {
        *field(&mut counted.all.figures) = values.spread();
        for (place, groups) in counted.groups.iter_mut().enumerate() {
            if !groups.is_empty() {
                let spreads = values.by_group(groups.len(), |row| self.group(ticket(row), place));
                for (tally, spread) in groups.iter_mut().zip(spreads) {
                    *field(&mut tally.figures) = spread;
                }
            }
        }
    }

    fn named(&self, counted: FrameCounts) -> Grouped {
        let [criticality, channel, category, unit] = counted.groups.map(|groups| {
            let touched = groups.into_iter().enumerate().filter(|(_, tally)| tally.touched);
            touched.map(|(place, tally)| (place, tally.finish()))
        });
        let work = |all: Vec<WorkTally>| {
            let touched = all.into_iter().enumerate().filter(|(_, tally)| tally.touched);
            touched.map(|(place, tally)| (place, tally.work.with_shares()))
        };
        Grouped {
            escalated_to: counted.all.escalated_to,
            all: counted.all.finish(),
            by_criticality: criticality
                .map(|(place, figures)| {
                    let one = place.checked_sub(1).and_then(|place| Criticality::ALL.get(place).copied());
                    (one, figures)
                })
                .collect(),
            by_channel: channel
                .filter_map(|(place, figures)| Some((*Channel::ALL.get(place)?, figures)))
                .collect(),
            by_category: category.map(|(place, figures)| (self.categories.get(place), figures)).collect(),
            by_unit: unit.map(|(place, figures)| (self.units.get(place), figures)).collect(),
            by_person: work(counted.people)
                .filter_map(|(place, work)| Some((self.people.get(place)?, work)))
                .collect(),
            by_level: work(counted.levels)
                .filter_map(|(place, work)| Some((i16::try_from(place).ok()?, work)))
                .collect(),
        }
    }
}

struct Times<'a> {
    attention: BySlot<'a>,
    solutions: BySlot<'a>,
    acceptances: BySlot<'a>,
}

/// Distributes values over people and levels.
fn work_spread(
    counted: &mut FrameCounts,
    values: &Sorted,
    samples: &BySlot<'_>,
    field: impl Fn(&mut Work) -> &mut Spread,
) {
    let by = counted.frame.by;
    let worker = |row| samples.samples.worker(row);
    if by.has(Breakdown::Person) {
        let spreads = values.by_group(counted.people.len(), |row| Some(worker(row).person as usize));
        counted.people.iter_mut().zip(spreads).for_each(|(one, spread)| *field(&mut one.work) = spread);
    }
    if by.has(Breakdown::Level) {
        let spreads = values.by_group(counted.levels.len(), |row| Some(usize::from(worker(row).level)));
        counted.levels.iter_mut().zip(spreads).for_each(|(one, spread)| *field(&mut one.work) = spread);
    }
}
