//! Working hours of people: weekly shifts, absences and the end of a contract, in the entity's time zone. Pure.

use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::schema::shifts;
use crate::holidays::Holidays;

/// The entity's time zone and public holidays; on holidays only shifts with `on_public_holidays` apply.
#[derive(Clone, Copy)]
pub struct EntityClock<'a> {
    pub timezone: Tz,
    pub holidays: &'a Holidays,
}

impl EntityClock<'_> {
    /// The date at this moment in the entity's time zone.
    pub fn date(&self, moment: DateTime<Utc>) -> NaiveDate {
        moment.with_timezone(&self.timezone).date_naive()
    }

    /// The moment at which the local clock shows this time: the first of two if it occurs twice; if it is skipped,
    /// the moment by the offset before the change.
    fn moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.timezone.from_local_datetime(&local).earliest() {
            Some(moment) => moment.to_utc(),
            None => {
                let offset = self.timezone.offset_from_utc_datetime(&(local - TimeDelta::days(1))).fix();
                (local - offset).and_utc()
            }
        }
    }
}

/// A weekly working time in the entity's time zone (`MESA_TIMEZONE`), or with `on_call` a time in which the person can be
/// reached outside of working time. It belongs to the day on which it begins, even
/// if it ends after midnight.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema,
)]
#[diesel(table_name = shifts)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The day on which the shift begins: 1 is Monday, 7 is Sunday (ISO 8601).
    #[schema(minimum = 1, maximum = 7, example = 1)]
    pub weekday: i16,
    /// When the shift begins, as `HH:MM` in the entity's time zone.
    #[serde(with = "hour_minute")]
    #[schema(max_length = 8, value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "08:00")]
    #[serde(rename = "start_time")]
    pub starts_at: NaiveTime,
    /// When the shift ends, as `HH:MM` in the entity's time zone. If it is not after `start_time`, the shift ends at
    /// that time of the next day.
    #[serde(with = "hour_minute")]
    #[schema(max_length = 8, value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "17:00")]
    #[serde(rename = "end_time")]
    pub ends_at: NaiveTime,
    /// Whether it also applies on public holidays; false if omitted.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub on_public_holidays: bool,
    /// Whether it is not a working time but a time in which the person can be reached: they are told of urgent tickets
    /// and, if nobody is on shift, of new ones, and are not assigned work automatically. False if omitted.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub on_call: bool,
}

const WEEK: i64 = 7 * 24 * 60;

impl Shift {
    /// Minutes from midnight of Monday to its beginning, and its length in minutes.
    fn minutes(&self) -> (i64, i64) {
        let midnight = NaiveTime::MIN;
        let begin = (i64::from(self.weekday) - 1) * 24 * 60 + (self.starts_at - midnight).num_minutes();
        let lasts = (self.ends_at - self.starts_at).num_minutes();
        (begin, if lasts > 0 { lasts } else { lasts + 24 * 60 })
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ((begin, lasts), (other_begin, other_lasts)) = (self.minutes(), other.minutes());
        (other_begin - begin).rem_euclid(WEEK) < lasts || (begin - other_begin).rem_euclid(WEEK) < other_lasts
    }

    /// The shift that begins on this day; `None` if there is none.
    fn on(&self, clock: EntityClock<'_>, day: NaiveDate) -> Option<Range<DateTime<Utc>>> {
        let its_day = i64::from(day.weekday().number_from_monday()) == i64::from(self.weekday);
        if !its_day || (!self.on_public_holidays && clock.holidays.is_holiday(day)) {
            return None;
        }
        let last_day = if self.ends_at > self.starts_at { day } else { day.succ_opt()? };
        let worked =
            clock.moment(day.and_time(self.starts_at))..clock.moment(last_day.and_time(self.ends_at));
        (!worked.is_empty()).then_some(worked)
    }
}

/// The indexes of shifts that overlap an earlier one in the list.
pub fn overlapping(shifts: &[Shift]) -> Vec<usize> {
    let overlaps =
        |(place, shift): &(usize, &Shift)| shifts[..*place].iter().any(|before| before.overlaps(shift));
    shifts.iter().enumerate().filter(overlaps).map(|(place, _)| place).collect()
}

/// The number of days in which the next shift is searched: more than any sequence of public holidays.
const LOOK_AHEAD: usize = 366;

/// The working hours of one person.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    /// A person without shifts is always on shift; with nothing but shifts on call, never.
    pub shifts: Vec<Shift>,
    pub absences: Vec<Range<DateTime<Utc>>>,
    /// The last day of the contract.
    pub contract_ends_on: Option<NaiveDate>,
}

impl Schedule {
    pub fn is_on_shift(&self, clock: EntityClock<'_>, moment: DateTime<Utc>) -> bool {
        self.next_on_shift(clock, moment) == Some(moment)
    }

    /// Whether the moment is inside one of the shifts on call.
    pub fn is_on_call(&self, clock: EntityClock<'_>, moment: DateTime<Utc>) -> bool {
        let today = clock.date(moment);
        // A shift of the previous day may extend past midnight.
        let days = [today.pred_opt(), Some(today)].into_iter().flatten();
        days.flat_map(|day| {
            self.shifts.iter().filter(|shift| shift.on_call).filter_map(move |shift| shift.on(clock, day))
        })
        .any(|reachable| reachable.contains(&moment))
    }

    /// Whether the person is on call, not absent and under contract.
    pub fn is_reachable(&self, clock: EntityClock<'_>, moment: DateTime<Utc>) -> bool {
        self.is_on_call(clock, moment) && !self.is_absent(moment) && !self.has_contract_ended(clock, moment)
    }

    pub fn is_absent(&self, moment: DateTime<Utc>) -> bool {
        self.absences.iter().any(|absence| absence.contains(&moment))
    }

    pub fn has_contract_ended(&self, clock: EntityClock<'_>, moment: DateTime<Utc>) -> bool {
        self.contract_ends_on.is_some_and(|last_day| clock.date(moment) > last_day)
    }

    /// Whether the person is on shift, not absent and under contract.
    pub fn is_available(&self, clock: EntityClock<'_>, moment: DateTime<Utc>) -> bool {
        self.next_available(clock, moment) == Some(moment)
    }

    /// The first moment from `from` on at which the person is available; `None` if the contract ends before, or there
    /// is no shift within a year.
    pub fn next_available(&self, clock: EntityClock<'_>, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut moment = from;
        loop {
            moment = self.next_on_shift(clock, moment)?;
            if self.has_contract_ended(clock, moment) {
                return None;
            }
            let absences = self.absences.iter().filter(|absence| absence.contains(&moment));
            match absences.map(|absence| absence.end).max() {
                Some(back) => moment = back,
                None => return Some(moment),
            }
        }
    }

    /// The first moment from `from` on that is inside a shift.
    fn next_on_shift(&self, clock: EntityClock<'_>, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.shifts.is_empty() {
            return Some(from);
        }
        // A shift of the previous day may extend past midnight.
        clock.date(from).pred_opt()?.iter_days().take(LOOK_AHEAD).find_map(|day| {
            let worked = self.shifts.iter().filter(|shift| !shift.on_call);
            let worked = worked.filter_map(|shift| shift.on(clock, day));
            worked.filter(|worked| worked.end > from).map(|worked| worked.start.max(from)).min()
        })
    }
}

/// A time of day in JSON, such as `08:00`.
mod hour_minute {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, "%H:%M").map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::holidays::{HolidayRule, colombia};

    fn bogota() -> EntityClock<'static> {
        static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(colombia::holidays);
        EntityClock { timezone: chrono_tz::America::Bogota, holidays: &HOLIDAYS }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse::<DateTime<chrono::FixedOffset>>().unwrap().to_utc()
    }

    fn shift(weekday: i16, starts_at: &str, ends_at: &str) -> Shift {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let (starts_at, ends_at) = (time(starts_at), time(ends_at));
        Shift { weekday, starts_at, ends_at, on_public_holidays: false, on_call: false }
    }

    fn on_call(weekday: i16, starts_at: &str, ends_at: &str) -> Shift {
        Shift { on_call: true, ..shift(weekday, starts_at, ends_at) }
    }

    /// Monday to Friday, 8:00 to 12:00 and 13:00 to 17:00.
    fn office() -> Schedule {
        let days = (1..=5).flat_map(|day| [shift(day, "08:00", "12:00"), shift(day, "13:00", "17:00")]);
        Schedule { shifts: days.collect(), ..Schedule::default() }
    }

    #[test]
    fn who_has_no_shifts_is_always_on_shift() {
        let schedule = Schedule::default();
        let moment = at("2026-11-22T03:00:00-05:00");
        assert!(schedule.is_on_shift(bogota(), moment) && schedule.is_available(bogota(), moment));
    }

    #[test]
    fn a_shift_begins_with_its_first_minute_and_is_over_at_its_end() {
        // 2026-11-24 is a Tuesday.
        for (moment, on_shift, next) in [
            ("2026-11-24T07:59:59-05:00", false, "2026-11-24T08:00:00-05:00"),
            ("2026-11-24T08:00:00-05:00", true, "2026-11-24T08:00:00-05:00"),
            ("2026-11-24T11:59:59-05:00", true, "2026-11-24T11:59:59-05:00"),
            ("2026-11-24T12:00:00-05:00", false, "2026-11-24T13:00:00-05:00"),
            ("2026-11-24T17:00:00-05:00", false, "2026-11-25T08:00:00-05:00"),
            ("2026-11-27T17:00:00-05:00", false, "2026-11-30T08:00:00-05:00"),
            ("2026-11-29T12:00:00-05:00", false, "2026-11-30T08:00:00-05:00"),
        ] {
            assert_eq!(office().is_on_shift(bogota(), at(moment)), on_shift, "{moment}");
            assert_eq!(office().next_available(bogota(), at(moment)), Some(at(next)), "{moment}");
        }
    }

    #[test]
    fn a_night_shift_goes_on_past_midnight_and_past_the_end_of_the_week() {
        let schedule = Schedule { shifts: vec![shift(7, "22:00", "06:00")], ..Schedule::default() };
        for (moment, on_shift) in [
            ("2026-11-29T21:59:00-05:00", false),
            ("2026-11-29T22:00:00-05:00", true),
            ("2026-11-30T05:59:00-05:00", true),
            ("2026-11-30T06:00:00-05:00", false),
        ] {
            assert_eq!(schedule.is_on_shift(bogota(), at(moment)), on_shift, "{moment}");
        }
    }

    #[test]
    fn who_is_on_call_can_be_reached_and_is_not_available() {
        let mut schedule = office();
        schedule.shifts.push(on_call(2, "17:00", "08:00"));
        for (moment, reachable) in [
            ("2026-11-24T16:59:00-05:00", false),
            ("2026-11-24T17:00:00-05:00", true),
            ("2026-11-25T07:59:00-05:00", true),
            ("2026-11-25T08:00:00-05:00", false),
            ("2026-11-26T03:00:00-05:00", false),
        ] {
            assert_eq!(schedule.is_reachable(bogota(), at(moment)), reachable, "{moment}");
        }
        let night = at("2026-11-24T22:00:00-05:00");
        assert_eq!(schedule.next_available(bogota(), night), Some(at("2026-11-25T08:00:00-05:00")));
        schedule.absences.push(night..at("2026-11-25T00:00:00-05:00"));
        assert!(schedule.is_on_call(bogota(), night) && !schedule.is_reachable(bogota(), night));
        // Nothing but shifts on call is no working time.
        let only = Schedule { shifts: vec![on_call(1, "17:00", "08:00")], ..Schedule::default() };
        assert_eq!(only.next_available(bogota(), night), None);
    }

    #[test]
    fn a_shift_that_ends_when_it_begins_lasts_a_day() {
        let schedule = Schedule { shifts: vec![shift(1, "08:00", "08:00")], ..Schedule::default() };
        assert!(schedule.is_on_shift(bogota(), at("2026-12-01T07:59:00-05:00")));
        assert!(!schedule.is_on_shift(bogota(), at("2026-12-01T08:00:00-05:00")));
    }

    #[test]
    fn a_public_holiday_is_free_for_all_but_those_who_work_on_it_and_for_the_night_that_began_before() {
        let clock = bogota();
        // 2026-12-08 is a Tuesday.
        let morning = at("2026-12-08T09:00:00-05:00");
        assert_eq!(office().next_available(clock, morning), Some(at("2026-12-09T08:00:00-05:00")));
        let mut always = office();
        always.shifts.iter_mut().for_each(|shift| shift.on_public_holidays = true);
        assert!(always.is_on_shift(clock, morning));
        let night = Schedule {
            shifts: vec![shift(1, "22:00", "06:00"), shift(2, "22:00", "06:00")],
            ..Schedule::default()
        };
        assert!(night.is_on_shift(clock, at("2026-12-08T05:00:00-05:00")));
        assert!(!night.is_on_shift(clock, at("2026-12-09T05:00:00-05:00")));
    }

    #[test]
    fn who_only_works_on_days_that_are_all_holidays_is_never_available() {
        let every_day = (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day)));
        let rules = every_day.map(|(month, day)| HolidayRule {
            month: Some(month),
            day: Some(day),
            first_year: None,
            ..colombia::rules().swap_remove(0)
        });
        let holidays = Holidays::new(rules.collect());
        let clock = EntityClock { holidays: &holidays, ..bogota() };
        assert_eq!(office().next_available(clock, at("2026-11-24T09:00:00-05:00")), None);
    }

    #[test]
    fn an_absence_ends_in_the_next_shift_and_absences_may_follow_each_other() {
        let holiday = at("2026-11-24T00:00:00-05:00")..at("2026-11-26T00:00:00-05:00");
        let course = at("2026-11-25T08:00:00-05:00")..at("2026-11-26T10:30:00-05:00");
        let schedule = Schedule { absences: vec![course, holiday], ..office() };
        let moment = at("2026-11-24T09:00:00-05:00");
        assert!(schedule.is_on_shift(bogota(), moment) && schedule.is_absent(moment));
        assert!(!schedule.is_available(bogota(), moment));
        assert_eq!(schedule.next_available(bogota(), moment), Some(at("2026-11-26T10:30:00-05:00")));
    }

    #[test]
    fn the_last_day_of_a_contract_is_worked_and_the_next_is_not() {
        let schedule =
            Schedule { contract_ends_on: NaiveDate::from_ymd_opt(2026, 11, 24), ..Schedule::default() };
        // In UTC the day has already ended.
        assert!(schedule.is_available(bogota(), at("2026-11-24T23:59:00-05:00")));
        assert_eq!(schedule.next_available(bogota(), at("2026-11-25T00:00:00-05:00")), None);
        let office = Schedule { contract_ends_on: schedule.contract_ends_on, ..office() };
        assert_eq!(office.next_available(bogota(), at("2026-11-24T18:00:00-05:00")), None);
    }

    #[test]
    fn where_clocks_change_a_shift_is_what_the_wall_shows() {
        let clock = EntityClock { timezone: chrono_tz::America::New_York, ..bogota() };
        let night = Schedule { shifts: vec![shift(6, "22:00", "06:00")], ..Schedule::default() };
        // Clocks go forward on 2026-03-08 at 2:00 and back on 2026-11-01 at 2:00.
        for (moment, on_shift) in [
            ("2026-03-08T05:59:00-04:00", true),
            ("2026-03-08T06:00:00-04:00", false),
            ("2026-11-01T05:59:00-05:00", true),
            ("2026-11-01T06:00:00-05:00", false),
        ] {
            assert_eq!(night.is_on_shift(clock, at(moment)), on_shift, "{moment}");
        }
        // 2:30 is skipped: by the offset before the change it is 3:30 after it.
        let skipped = Schedule { shifts: vec![shift(7, "02:30", "05:00")], ..Schedule::default() };
        let next = skipped.next_available(clock, at("2026-03-08T00:00:00-05:00"));
        assert_eq!(next, Some(at("2026-03-08T03:30:00-04:00")));
    }

    #[test]
    fn overlaps_are_named_by_their_place_across_the_end_of_the_week_too() {
        let week = [
            shift(1, "05:00", "09:00"),
            shift(1, "09:00", "12:00"),
            shift(1, "11:59", "13:00"),
            shift(7, "22:00", "06:00"),
            shift(3, "00:00", "00:00"),
            shift(3, "10:00", "11:00"),
        ];
        assert_eq!(overlapping(&week), [2, 3, 5]);
        assert!(overlapping(&office().shifts).is_empty());
    }

    fn any_shift() -> impl Strategy<Value = Shift> {
        let time = || {
            (0..24u32, 0..60u32).prop_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap())
        };
        (1..=7i16, time(), time(), any::<bool>()).prop_map(
            |(weekday, starts_at, ends_at, on_public_holidays)| Shift {
                weekday,
                starts_at,
                ends_at,
                on_public_holidays,
                on_call: false,
            },
        )
    }

    /// A moment within some weeks of 2026, in minutes.
    fn any_moment() -> impl Strategy<Value = DateTime<Utc>> {
        (0..60 * 24 * 40i64).prop_map(|minutes| at("2026-11-01T00:00:00Z") + TimeDelta::minutes(minutes))
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let absence =
            (any_moment(), 1..10_000i64).prop_map(|(from, minutes)| from..from + TimeDelta::minutes(minutes));
        let last_day = (0..60u64)
            .prop_map(|days| NaiveDate::from_ymd_opt(2026, 11, 1).unwrap() + chrono::Days::new(days));
        let shifts = proptest::collection::vec(any_shift(), 0..6);
        let absences = proptest::collection::vec(absence, 0..5);
        (shifts, absences, proptest::option::of(last_day))
            .prop_map(|(shifts, absences, contract_ends_on)| Schedule { shifts, absences, contract_ends_on })
    }

    /// The minute of the week in Bogotá, which is five hours behind UTC all year.
    fn week_minute(moment: DateTime<Utc>) -> i64 {
        let local = moment.naive_utc() - TimeDelta::hours(5);
        let day = i64::from(local.weekday().num_days_from_monday());
        day * 24 * 60 + (local.time() - NaiveTime::MIN).num_minutes()
    }

    /// Every minute of the week inside the shift.
    fn worked(shift: &Shift) -> HashSet<i64> {
        let (begin, lasts) = shift.minutes();
        (begin..begin + lasts).map(|minute| minute % WEEK).collect()
    }

    proptest! {
        #[test]
        fn being_on_shift_is_what_the_minutes_of_the_week_say(mut schedule in any_schedule(), moment in any_moment()) {
            // The weekly model ignores holidays.
            schedule.shifts.iter_mut().for_each(|shift| shift.on_public_holidays = true);
            let minute = week_minute(moment);
            let expected = schedule.shifts.is_empty() || schedule.shifts.iter().any(|shift| worked(shift).contains(&minute));
            prop_assert_eq!(schedule.is_on_shift(bogota(), moment), expected);
        }

        #[test]
        fn the_next_moment_is_available_and_none_before_it_is(
            schedule in any_schedule(), from in any_moment(), steps in proptest::collection::vec(0.0..1.0f64, 20)
        ) {
            let clock = bogota();
            let available = |moment| {
                schedule.is_on_shift(clock, moment)
                    && !schedule.is_absent(moment)
                    && !schedule.has_contract_ended(clock, moment)
            };
            let next = schedule.next_available(clock, from);
            prop_assert!(next.is_none_or(|next| next >= from && available(next)));
            prop_assert_eq!(schedule.is_available(clock, from), available(from));
            let minutes = (next.unwrap_or(from + TimeDelta::days(90)) - from).num_minutes();
            for step in steps {
                let before = from + TimeDelta::minutes((minutes as f64 * step) as i64);
                prop_assert!(next.is_some_and(|next| before >= next) || !available(before), "{before}");
            }
        }

        #[test]
        fn shifts_overlap_where_a_minute_of_the_week_is_in_both(one in any_shift(), other in any_shift()) {
            let apart = worked(&one).is_disjoint(&worked(&other));
            prop_assert_eq!(overlapping(&[one, other]).is_empty(), apart);
        }
    }
}
