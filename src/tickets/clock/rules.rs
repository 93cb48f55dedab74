//! The rules of an expression and the open minutes of a day.
//!
//! A time span belongs to the day on which it begins, even if it ends after midnight. On each day the rules apply in
//! their order: one after `;` replaces the spans that begin on that day, one after `,` adds to them, `off` removes.

use std::ops::Range;

use chrono::NaiveDate;
use opening_hours_syntax::RuleKind;
use opening_hours_syntax::rules::time::{Time, TimeSelector};
use opening_hours_syntax::rules::{OpeningHoursExpression, RuleOperator, RuleSequence};

use super::days::Days;
use crate::holidays::Holidays;

/// Minutes from midnight; those from 1440 on belong to the next day.
pub type Minutes = Range<u16>;

pub const DAY: u16 = 24 * 60;

pub struct Rules {
    rules: Vec<Rule>,
    /// Whether a span can end after midnight.
    overnight: bool,
    /// The offsets, in days, of the public holidays that the rules name.
    holiday_offsets: Vec<i16>,
}

struct Rule {
    days: Days,
    spans: Vec<Minutes>,
    whole_day: bool,
    effect: Effect,
}

#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Replace,
    Add,
    Remove,
    /// Opens if no other rule does. New expressions cannot have it.
    Fallback,
    None,
}

impl Rules {
    pub fn new(expression: &OpeningHoursExpression) -> Self {
        let rules: Vec<Rule> = expression.rules.iter().map(Rule::new).collect();
        let overnight = rules.iter().flat_map(|rule| &rule.spans).any(|span| span.end > DAY);
        let mut holiday_offsets: Vec<i16> =
            rules.iter().flat_map(|rule| rule.days.holiday_offsets()).collect();
        holiday_offsets.sort_unstable_by_key(|offset| (offset.unsigned_abs(), *offset));
        holiday_offsets.dedup();
        Rules { rules, overnight, holiday_offsets }
    }

    /// The open minutes of a day, in order and without overlap. Without `holidays` no day is a public holiday.
    pub fn open_on(&self, day: NaiveDate, holidays: Option<&Holidays>) -> Vec<Minutes> {
        let mut open = self.beginning_on(day, holidays);
        if !self.overnight {
            return open;
        }
        open.iter_mut().for_each(|span| span.end = span.end.min(DAY));
        let before = day.pred_opt().map(|before| self.beginning_on(before, holidays)).unwrap_or_default();
        let carried = before.into_iter().filter(|span| span.end > DAY);
        open.extend(carried.map(|span| span.start.saturating_sub(DAY)..span.end - DAY));
        union(open)
    }

    /// The public holiday that can affect the open minutes of this day, if any: the one that falls on it, or
    /// otherwise one of another day whose hours or offset days extend into it.
    pub fn holiday_of(&self, day: NaiveDate, holidays: &Holidays) -> Option<String> {
        let shifts = self.holiday_offsets.iter().flat_map(|offset| {
            let night: Option<i16> = self.overnight.then(|| offset.saturating_add(1));
            std::iter::once(*offset).chain(night)
        });
        std::iter::once(0)
            .chain(shifts)
            .find_map(|shift| holidays.name(day.checked_sub_signed(chrono::TimeDelta::days(shift.into()))?))
    }

    /// Whether some rule depends on public holidays.
    pub fn name_holidays(&self) -> bool {
        !self.holiday_offsets.is_empty()
    }

    /// The spans that begin on this day.
    fn beginning_on(&self, day: NaiveDate, holidays: Option<&Holidays>) -> Vec<Minutes> {
        let mut open = Vec::new();
        let applies = |rule: &&Rule| rule.effect != Effect::None && rule.days.contain(day, holidays);
        for rule in self.rules.iter().filter(applies) {
            match rule.effect {
                Effect::Replace => open = rule.spans.clone(),
                Effect::Add => open.extend(rule.spans.iter().cloned()),
                Effect::Fallback if open.is_empty() => open = rule.spans.clone(),
                Effect::Remove if rule.whole_day => open.clear(),
                Effect::Remove => open = difference(open, &rule.spans),
                Effect::Fallback | Effect::None => {}
            }
        }
        union(open)
    }
}

impl Rule {
    fn new(rule: &RuleSequence) -> Self {
        let effect = match (rule.operator, rule.kind) {
            (RuleOperator::Fallback, RuleKind::Open) => Effect::Fallback,
            (RuleOperator::Fallback, _) => Effect::None,
            (_, RuleKind::Closed | RuleKind::Unknown) => Effect::Remove,
            (RuleOperator::Normal, RuleKind::Open) => Effect::Replace,
            (RuleOperator::Additional, RuleKind::Open) => Effect::Add,
        };
        Rule {
            days: Days::new(rule.day_selector.clone()),
            spans: spans(&rule.time_selector),
            whole_day: is_whole_day(&rule.time_selector),
            effect,
        }
    }
}

/// Whether it has no times, or covers the whole day.
pub fn is_whole_day(times: &TimeSelector) -> bool {
    *times == TimeSelector::default()
}

/// Fixed times only; others are not accepted.
pub fn spans(times: &TimeSelector) -> Vec<Minutes> {
    let spans = times.spans.iter().filter_map(|span| match (span.range.start, span.range.end) {
        (Time::Fixed(start), Time::Fixed(end)) => {
            let (start, end) = (start.mins_from_midnight(), end.mins_from_midnight());
            Some(start..if end > start { end } else { end + DAY })
        }
        _ => None,
    });
    union(spans.collect())
}

/// In order, without overlap.
fn union(mut spans: Vec<Minutes>) -> Vec<Minutes> {
    if spans.len() < 2 {
        return spans;
    }
    spans.sort_unstable_by_key(|span| span.start);
    let mut merged: Vec<Minutes> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// The parts of the spans that are outside of `removed`, which is in order and without overlap.
fn difference(spans: Vec<Minutes>, removed: &[Minutes]) -> Vec<Minutes> {
    let mut left = Vec::with_capacity(spans.len());
    for span in union(spans) {
        let mut from = span.start;
        for gap in removed.iter().filter(|gap| gap.start < span.end && gap.end > span.start) {
            if from < gap.start {
                left.push(from..gap.start);
            }
            from = from.max(gap.end);
        }
        if from < span.end {
            left.push(from..span.end);
        }
    }
    left
}
