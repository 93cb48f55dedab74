//! The fold, compared with values by hand and with itself: of fewer tickets, of less time, in another order.

use proptest::prelude::*;
use uuid::Uuid;

use super::breakdown::Breakdowns;
use super::fact::{Fact, Moment, Origin, Receipt, What};
use super::fold::Fold;
use super::frame::{Frame, Plan, Slot};
use super::grouped::Grouped;
use super::links::Scope;
use crate::tickets::filters::AttentionState;
use crate::tickets::model::{Channel, Criticality};

const MINUTE: Moment = 60_000_000;

/// Consecutive slots of 100 minutes each, with one frame of all of them and one of each.
fn plan(slots: usize, by: Breakdowns) -> Plan {
    let slot = |place: usize| {
        let day = chrono::NaiveDate::default() + chrono::Days::new(place as u64);
        let (begin, end) = (place as i64 * 100 * MINUTE, (place as i64 + 1) * 100 * MINUTE);
        Slot { begin, end, first_day: day, last_day: day, backlog: end }
    };
    let single = |place: usize| Frame { slots: place..place + 1, by };
    Plan {
        slots: (0..slots).map(slot).collect(),
        frames: [Frame { slots: 0..slots, by }].into_iter().chain((0..slots).map(single)).collect(),
    }
}

fn receipt(id: i64, received_at: Moment) -> Receipt {
    Receipt {
        id,
        origin: Origin {
            received_at,
            criticality: Criticality::ALL.get(id as usize % 5).copied(),
            channel: Channel::ALL[id as usize % 3],
            unit_id: (id % 4 != 0).then(|| Uuid::from_u128(id as u128 % 4)),
            category_id: (id % 3 != 0).then(|| Uuid::from_u128(id as u128 % 3)),
            over: id % 2 == 0,
        },
        attention: None,
        attended_at: None,
        attended_working_minutes: None,
        solved: false,
        closed_at: None,
        archived_at: None,
        archive_reason: None,
    }
}

fn folded(plan: Plan, scope: Scope, receipts: &[Receipt], facts: &[Fact]) -> Vec<Grouped> {
    let mut fold = Fold::new(plan, scope);
    receipts.iter().for_each(|one| fold.receipt(one));
    for fact in facts {
        fold.fact(fact);
    }
    receipts.iter().for_each(|one| {
        if one.id % 7 == 0 {
            fold.article(one.id)
        }
    });
    fold.finish()
}

#[test]
fn a_ticket_that_is_solved_twice_counts_once_in_a_frame_with_both_times() {
    let one = Receipt {
        attention: Some(AttentionState::Late),
        attended_at: Some(30 * MINUTE),
        ..receipt(7, 10 * MINUTE)
    };
    let solved = |at: Moment, opened_at: Moment, level: i16| Fact {
        ticket: 7,
        at: at * MINUTE,
        what: What::Solved {
            opened_at: opened_at * MINUTE,
            level: Some(level),
            working_minutes: None,
            person_id: Some(Uuid::nil()),
        },
    };
    let reopened =
        Fact { ticket: 7, at: 90 * MINUTE, what: What::Reopened { level: Some(1), person_id: None } };
    let facts = [solved(50, 10, 1), reopened, solved(150, 90, 2)];
    let frames = folded(plan(2, Breakdowns::all()), Scope::default(), &[one], &facts);
    let of = |place: usize| &frames[place].all;
    assert_eq!([of(0).solved, of(1).solved, of(2).solved], [1, 1, 1]);
    assert_eq!([of(0).solved_at_level_1, of(1).solved_at_level_1, of(2).solved_at_level_1], [1, 1, 0]);
    assert_eq!([of(0).solved_with_article, of(2).solved_with_article], [1, 1]);
    assert_eq!([of(0).received, of(1).received, of(2).received], [1, 1, 0]);
    assert_eq!((of(0).attended_late, of(0).attention_minutes.median), (1, Some(20.0)));
    assert_eq!((of(0).solution_minutes.mean, of(1).solution_minutes.mean), (Some(90.0), Some(40.0)));
    assert_eq!(of(0).solution_working_minutes.mean, None);
    // It was open at the end of the first slot: for 90 minutes.
    assert_eq!([of(0).open, of(1).open, of(1).open_by_age.up_to_1_day], [0, 1, 1]);
    assert_eq!(of(1).open_age_days.mean, Some(90.0 / 1440.0));
    let levels: Vec<(i16, i64)> =
        frames[0].by_level.iter().map(|(level, work)| (*level, work.solved)).collect();
    assert_eq!(levels, [(1, 1), (2, 1)]);
    assert_eq!(frames[0].by_person[0].1.solved, 1);
    assert_eq!(frames[0].by_criticality, vec![(Criticality::ALL.get(2).copied(), of(0).clone())]);
}

#[test]
fn facts_of_other_tickets_do_not_count() {
    let scope = Scope { channel: vec![Channel::ALL[1]], ..Scope::default() };
    let receipts: Vec<Receipt> = (1..=6).map(|id| receipt(id, id * MINUTE)).collect();
    let sent = |ticket| Fact { ticket, at: 50 * MINUTE, what: What::Sent { answered: true } };
    let frames = folded(plan(1, Breakdowns::default()), scope, &receipts, &[sent(1), sent(2), sent(9)]);
    assert_eq!((frames[0].all.received, frames[0].all.surveys.sent), (2, 1));
    assert!(frames[0].by_channel.is_empty());
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let person = prop::option::of((0u128..3).prop_map(Uuid::from_u128));
    let working_minutes = prop::option::of((0u16..500).prop_map(f64::from));
    let solved = (1i16..4, working_minutes.clone(), person.clone(), 0i64..400).prop_map(
        |(level, working_minutes, person_id, opened)| What::Solved {
            opened_at: opened * MINUTE,
            level: Some(level),
            working_minutes,
            person_id,
        },
    );
    let accepted = (1i16..4, working_minutes, person.clone(), 0i64..400).prop_map(
        |(level, working_minutes, person_id, due)| What::Accepted {
            level,
            started_at: 0,
            due_at: due * MINUTE,
            working_minutes,
            person_id,
        },
    );
    let what = prop_oneof![
        solved,
        accepted,
        prop::option::of(0i64..400).prop_map(|end| What::Open { ended_at: end.map(|end| end * MINUTE) }),
        (1i16..4, person.clone())
            .prop_map(|(level, person_id)| What::Reopened { level: Some(level), person_id }),
        (2i16..4, person).prop_map(|(to_level, person_id)| What::Escalated { to_level, person_id }),
        any::<bool>().prop_map(|answered| What::Sent { answered }),
        (1i16..6).prop_map(|rating| What::Answered { ratings: [rating, 3, 6 - rating, 1] }),
    ];
    (1i64..20, 0i64..300, what).prop_map(|(ticket, at, what)| Fact { ticket, at: at * MINUTE, what })
}

fn any_receipts() -> impl Strategy<Value = Vec<Receipt>> {
    let one = (0i64..300, prop::option::of(0i64..300), prop::option::of(0u16..300), any::<bool>());
    prop::collection::vec(one, 19).prop_map(|all| {
        let one =
            |(id, (received, attended, working, solved)): (i64, (i64, Option<i64>, Option<u16>, bool))| {
                Receipt {
                    attention: attended.map(|_| AttentionState::ALL[id as usize % 4]),
                    attended_at: attended.map(|at| at * MINUTE),
                    attended_working_minutes: working.map(f64::from),
                    solved,
                    closed_at: attended.filter(|_| solved).map(|at| at * MINUTE),
                    ..receipt(id, received * MINUTE)
                }
            };
        (1..).zip(all).map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_reading_has_no_effect(receipts in any_receipts(), facts in prop::collection::vec(any_fact(), 0..60)) {
        let once = folded(plan(3, Breakdowns::all()), Scope::default(), &receipts, &facts);
        let reversed: Vec<Fact> = facts.iter().rev().cloned().collect();
        let again = folded(plan(3, Breakdowns::all()), Scope::default(), &receipts, &reversed);
        for (one, other) in once.iter().zip(&again) {
            prop_assert_eq!(&one.all, &other.all);
            prop_assert_eq!(&one.by_criticality, &other.by_criticality);
            for (level, work) in &one.by_level {
                prop_assert_eq!(Some(work), other.by_level.iter().find(|(same, _)| same == level).map(|(_, work)| work));
            }
        }
    }

    #[test]
    fn a_group_has_the_figures_of_its_tickets_alone(
        receipts in any_receipts(), facts in prop::collection::vec(any_fact(), 0..60),
    ) {
        let frames = folded(plan(2, Breakdowns::all()), Scope::default(), &receipts, &facts);
        for (place, frame) in frames.iter().enumerate() {
            let alone = |scope: Scope| folded(plan(2, Breakdowns::default()), scope, &receipts, &facts).swap_remove(place);
            for (criticality, figures) in &frame.by_criticality {
                if let Some(one) = criticality {
                    prop_assert_eq!(figures, &alone(Scope { criticality: vec![*one], ..Scope::default() }).all);
                }
            }
            for (channel, figures) in &frame.by_channel {
                prop_assert_eq!(figures, &alone(Scope { channel: vec![*channel], ..Scope::default() }).all);
            }
            for (id, figures) in &frame.by_unit {
                if let Some(id) = id {
                    prop_assert_eq!(figures, &alone(Scope { unit_id: vec![*id], ..Scope::default() }).all);
                }
            }
            let received: i64 = frame.by_category.iter().map(|(_, figures)| figures.received).sum();
            prop_assert_eq!(received, frame.all.received);
            let accepted: i64 = frame.by_level.iter().map(|(_, work)| work.accepted).sum();
            prop_assert!(accepted <= facts.len() as i64);
        }
    }

    #[test]
    fn a_frame_has_the_figures_of_its_own_time(
        receipts in any_receipts(), facts in prop::collection::vec(any_fact(), 0..60), place in 0usize..3,
    ) {
        let frames = folded(plan(3, Breakdowns::all()), Scope::default(), &receipts, &facts);
        let whole = plan(3, Breakdowns::all());
        let own = Plan {
            slots: vec![whole.slots[place]],
            frames: vec![Frame { slots: 0..1, by: Breakdowns::all() }],
        };
        let alone = folded(own, Scope::default(), &receipts, &facts).swap_remove(0);
        // Other periods only decide which openings are known.
        let without_backlog = |grouped: &Grouped| {
            let mut figures = grouped.all.clone();
            (figures.open, figures.open_by_age, figures.open_age_days) = Default::default();
            figures
        };
        let frame = &frames[place + 1];
        prop_assert_eq!(without_backlog(frame), without_backlog(&alone));
        prop_assert_eq!(&frame.by_level, &alone.by_level);
        prop_assert_eq!(frame.escalated_to, alone.escalated_to);
    }
}
