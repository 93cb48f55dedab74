//! One pass over the facts of all slots: counts are added to each frame and group at once, times are kept for the end.
//! Pure.

use super::backlog::Backlog;
use super::breakdown::Breakdown;
use super::fact::{Fact, Moment, Origin, Receipt, Removed, What, minutes};
use super::frame::Plan;
use super::frame_counts::{FrameCounts, Groups, Once, at, level_number, set};
use super::index::Index;
use super::links::Scope;
use super::samples::{Samples, Worker};
use super::seen::Seen;
use super::tally::{Tally, WorkTally};
use super::tickets::Tickets;

/// What is kept of a ticket.
struct Known {
    groups: Groups,
    received_at: Moment,
    over: bool,
}

pub struct Fold {
    pub(super) plan: Plan,
    scope: Scope,
    has_work: bool,
    frames_by_slot: Vec<Vec<usize>>,
    pub(super) counted: Vec<FrameCounts>,
    /// The index of each ticket in `known`; none if it does not match the scope.
    tickets: Tickets,
    known: Vec<Known>,
    seen: Seen,
    pub(super) units: Index,
    pub(super) categories: Index,
    pub(super) people: Index,
    pub(super) attention: Samples,
    pub(super) solutions: Samples,
    pub(super) acceptances: Samples,
    pub(super) backlog: Backlog,
    /// The lowest and the highest number of a solved ticket.
    solved_ids: Option<(i64, i64)>,
}

impl Fold {
    pub fn new(plan: Plan, scope: Scope) -> Self {
        let counted = plan.frames.iter().map(|frame| FrameCounts {
            frame: frame.clone(),
            all: Tally::default(),
            groups: Default::default(),
            people: Vec::new(),
            levels: Vec::new(),
        });
        Fold {
            counted: counted.collect(),
            frames_by_slot: plan.frames_by_slot(),
            has_work: plan.has_work(),
            backlog: Backlog::new(plan.slots.iter().map(|slot| slot.backlog).collect()),
            plan,
            scope,
            tickets: Tickets::default(),
            known: Vec::new(),
            seen: Seen::default(),
            units: Index::default(),
            categories: Index::default(),
            people: Index::default(),
            attention: Samples::default(),
            solutions: Samples::default(),
            acceptances: Samples::default(),
            solved_ids: None,
        }
    }

    /// A ticket to which facts belong.
    pub fn ticket(&mut self, id: i64, origin: &Origin) -> Option<u32> {
        let index = self.scope.contains(origin).then(|| {
            self.known.push(Known {
                groups: groups(origin, &mut self.units, &mut self.categories),
                received_at: origin.received_at,
                over: origin.over,
            });
            (self.known.len() - 1) as u32
        });
        self.tickets.insert(id, index);
        index
    }

    /// A ticket that was received, closed or archived within the slots.
    pub fn receipt(&mut self, one: &Receipt) {
        let Some(ticket) = self.ticket(one.id, &one.origin) else { return };
        if let Some(slot) = self.plan.slot(one.origin.received_at) {
            self.count(slot, ticket, |tally| tally.received(one));
            if let Some(attended_at) = one.attended_at {
                let elapsed = minutes(one.origin.received_at, attended_at);
                self.attention.add(slot as u16, ticket, elapsed, one.attended_working_minutes, None);
            }
        }
        if let Some(slot) = one.closed_at.and_then(|at| self.plan.slot(at)) {
            self.count(slot, ticket, |tally| tally.figures.closed += 1);
        }
        if let Some(slot) = one.archived_at.and_then(|at| self.plan.slot(at)) {
            self.count(slot, ticket, |tally| tally.archived(one.archive_reason));
        }
    }

    /// Counts a fact. Returns false if its ticket is not known yet.
    pub fn fact(&mut self, fact: &Fact) -> bool {
        let Some(ticket) = self.tickets.get(fact.ticket) else { return false };
        match (ticket, &fact.what) {
            (Some(ticket), What::Open { ended_at }) => self.backlog.add(ticket, fact.at, *ended_at),
            (Some(ticket), _) => self.count_fact(ticket, fact),
            (None, _) => {}
        }
        true
    }

    fn count_fact(&mut self, ticket: u32, fact: &Fact) {
        let Some(slot) = self.plan.slot(fact.at) else { return };
        let id = fact.ticket;
        match fact.what {
            What::Open { .. } => {}
            What::Solved { opened_at, level, working_minutes, person_id } => {
                self.backlog.add(ticket, opened_at, Some(fact.at));
                let (low, high) = self.solved_ids.unwrap_or((id, id));
                self.solved_ids = Some((low.min(id), high.max(id)));
                self.count_once(Once::Solved, slot, id, ticket, |tally| tally.figures.solved += 1);
                if level == Some(1) {
                    self.count_once(Once::SolvedAtLevel1, slot, id, ticket, |tally| {
                        tally.figures.solved_at_level_1 += 1;
                    });
                }
                let worker = self.has_work.then(|| self.worker(person_id, level));
                let elapsed = minutes(self.received_at(ticket), fact.at);
                self.solutions.add(slot as u16, ticket, elapsed, working_minutes, worker);
                if let Some(worker) = worker {
                    self.work_once(Once::Solved, slot, id, worker, |work| work.work.solved += 1);
                }
            }
            What::Reopened { level, person_id } => {
                self.count_once(Once::Reopened, slot, id, ticket, |tally| tally.figures.reopened += 1);
                let worker = self.worker(person_id, level);
                self.work_once(Once::Reopened, slot, id, worker, |work| work.work.reopened += 1);
            }
            What::Escalated { to_level, person_id } => {
                self.count_once(Once::Escalated, slot, id, ticket, |tally| tally.figures.escalated += 1);
                for (level, once) in [(2, Once::EscalatedTo2), (3, Once::EscalatedTo3)] {
                    if level == to_level {
                        let place = usize::from(level == 3);
                        self.count_once(once, slot, id, ticket, |tally| tally.escalated_to[place] += 1);
                    }
                }
                let worker = self.worker(person_id, Some(to_level));
                self.work_once(Once::Escalated, slot, id, worker, |work| work.work.escalated += 1);
            }
            What::Accepted { level, started_at, due_at, working_minutes, person_id } => {
                let worker = self.worker(person_id, Some(level));
                self.work_once(Once::Accepted, slot, id, worker, |work| work.work.accepted += 1);
                if fact.at <= due_at {
                    let add = |work: &mut WorkTally| work.work.accepted_in_time += 1;
                    self.work_once(Once::AcceptedInTime, slot, id, worker, add);
                } else {
                    let add = |work: &mut WorkTally| work.work.accepted_late += 1;
                    self.work_once(Once::AcceptedLate, slot, id, worker, add);
                }
                let elapsed = minutes(started_at, fact.at);
                self.acceptances.add(slot as u16, ticket, elapsed, working_minutes, Some(worker));
            }
            What::Sent { answered } => self.count(slot, ticket, |tally| tally.sent(1, answered)),
            What::Answered { ratings } => {
                let is_final = self.known.get(ticket as usize).is_some_and(|known| known.over);
                self.count(slot, ticket, |tally| tally.answered(1, ratings, is_final));
            }
        }
    }

    /// Surveys that retention removed: each counts like an existing one of a finished ticket.
    pub fn removed(&mut self, one: &Removed) {
        let Some(slot) = self.plan.slot_of_day(one.day).filter(|_| self.scope.contains(&one.origin)) else {
            return;
        };
        let groups = groups(&one.origin, &mut self.units, &mut self.categories);
        let surveys = i64::from(one.surveys);
        for frame in &self.frames_by_slot[slot] {
            self.counted[*frame].add(groups, |tally| match one.what {
                What::Sent { answered } => tally.sent(surveys, answered),
                What::Answered { ratings } => tally.answered(surveys, ratings, true),
                _ => {}
            });
        }
    }

    /// How many surveys were answered in a frame.
    pub fn answered(&self, frame: usize) -> i64 {
        self.counted.get(frame).map_or(0, |counted| counted.all.figures.surveys.answered)
    }

    /// The numbers of solved tickets are between these; `None` if there are none.
    pub fn solved_ids(&self) -> Option<(i64, i64)> {
        self.solved_ids
    }

    /// A ticket from which an article was written, after all solutions.
    pub fn article(&mut self, id: i64) {
        let Some(ticket) = self.tickets.get(id).flatten() else { return };
        let Some(groups) = self.known.get(ticket as usize).map(|known| known.groups) else { return };
        for (place, counted) in self.counted.iter_mut().enumerate() {
            if self.seen.has(set(Once::Solved, place, 0), id)
                && self.seen.first(set(Once::WithArticle, place, 0), id)
            {
                counted.add(groups, |tally| tally.figures.solved_with_article += 1);
            }
        }
    }

    pub(super) fn received_at(&self, ticket: u32) -> Moment {
        self.known.get(ticket as usize).map_or(0, |known| known.received_at)
    }

    /// The group of a ticket in the breakdown at this place of `OF_TICKETS`.
    pub(super) fn group(&self, ticket: u32, breakdown: usize) -> Option<usize> {
        self.known.get(ticket as usize).map(|known| known.groups[breakdown] as usize)
    }

    fn worker(&mut self, person: Option<uuid::Uuid>, level: Option<i16>) -> Worker {
        let level = level.and_then(|level| u8::try_from(level).ok()).unwrap_or_default();
        Worker { person: self.people.of(person), level }
    }

    fn count(&mut self, slot: usize, ticket: u32, add: impl Fn(&mut Tally)) {
        let Some(known) = self.known.get(ticket as usize) else { return };
        for frame in &self.frames_by_slot[slot] {
            self.counted[*frame].add(known.groups, &add);
        }
    }

    fn count_once(&mut self, once: Once, slot: usize, id: i64, ticket: u32, add: impl Fn(&mut Tally)) {
        let Some(known) = self.known.get(ticket as usize) else { return };
        for frame in &self.frames_by_slot[slot] {
            if self.seen.first(set(once, *frame, 0), id) {
                self.counted[*frame].add(known.groups, &add);
            }
        }
    }

    fn work_once(&mut self, once: Once, slot: usize, id: i64, worker: Worker, add: impl Fn(&mut WorkTally)) {
        for frame in &self.frames_by_slot[slot] {
            let counted = &mut self.counted[*frame];
            // Zero is the set of the tickets themselves.
            let people = (Breakdown::Person, u64::from(worker.person) + 1, worker.person as usize);
            let levels = (Breakdown::Level, level_number(worker.level), usize::from(worker.level));
            for (breakdown, number, place) in [people, levels] {
                if counted.frame.by.has(breakdown) && self.seen.first(set(once, *frame, number), id) {
                    let all = match breakdown {
                        Breakdown::Person => &mut counted.people,
                        _ => &mut counted.levels,
                    };
                    let work = at(all, place);
                    work.touched = true;
                    add(work);
                }
            }
        }
    }
}

fn groups(origin: &Origin, units: &mut Index, categories: &mut Index) -> Groups {
    let criticality = origin.criticality.map_or(0, |one| one as u32 + 1);
    [criticality, origin.channel as u32, categories.of(origin.category_id), units.of(origin.unit_id)]
}
