//! The appointment at which the assignee attends the requester, and its wording for the requester. Pure.

use chrono::{DateTime, Utc};

use super::model::Criticality;
use crate::language::locale::Locale;
use crate::people::availability::{EntityClock, Schedule};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Checks the moment that the assignee gives in `/scheduled_for` against the assignee's working hours.
///
/// # Errors
/// A 422 if the ticket is critical and takes no appointment, or if the moment is missing, in the past or outside of
/// the assignee's working hours.
pub fn check(
    criticality: Option<Criticality>,
    scheduled_for: Option<DateTime<Utc>>,
    schedule: &Schedule,
    clock: EntityClock<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let fault = |code, detail| Err(Problem::field(FieldError::new("/scheduled_for", code, detail)));
    let moment = match (criticality, scheduled_for) {
        (Some(Criticality::Critical), None) => return Ok(()),
        (Some(Criticality::Critical), Some(_)) => {
            let detail = Text::new(
                "Un caso crítico se atiende de inmediato.",
                "A critical ticket is attended immediately.",
            );
            return fault(FieldCode::NotAllowed, detail);
        }
        (_, None) => return Err(Problem::field(FieldError::required("/scheduled_for"))),
        (_, Some(moment)) => moment,
    };
    if moment <= now {
        return fault(
            FieldCode::NotInFuture,
            Text::new("Debe estar en el futuro.", "It must be in the future."),
        );
    }
    let detail = match schedule.next_available(clock, moment) {
        Some(next) if next == moment => return Ok(()),
        Some(next) => {
            let next = |locale: Locale| locale.moment(next, clock.timezone);
            Text::made(
                format!("Está fuera de su turno. El siguiente es el {}", next(Locale::Es)),
                format!("It is outside of your shifts. The next is on {}", next(Locale::En)),
            )
        }
        None => Text::new(
            "Está fuera de su turno y no tiene otro posterior.",
            "It is outside of your shifts, and you have no later shift.",
        ),
    };
    fault(FieldCode::OutsideShift, detail)
}

/// Who attends to the request and when, as a sentence for the requester.
pub fn words(
    locale: Locale,
    assignee: &str,
    scheduled_for: Option<DateTime<Utc>>,
    clock: EntityClock<'_>,
) -> String {
    let at = scheduled_for.map(|moment| locale.moment(moment, clock.timezone));
    match (locale, at) {
        (Locale::Es, Some(at)) => format!("{assignee} atenderá su solicitud el {at}"),
        (Locale::En, Some(at)) => format!("{assignee} will attend to your request on {at}"),
        (Locale::Es, None) => format!("{assignee} atiende su solicitud desde este momento."),
        (Locale::En, None) => format!("{assignee} is attending to your request now."),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use chrono::{NaiveTime, TimeDelta};

    use super::*;
    use crate::holidays::{Holidays, colombia};
    use crate::people::availability::Shift;

    fn clock() -> EntityClock<'static> {
        static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(colombia::holidays);
        EntityClock { timezone: chrono_tz::America::Bogota, holidays: &HOLIDAYS }
    }

    /// A Tuesday, 10:00 in Bogotá.
    fn now() -> DateTime<Utc> {
        "2026-11-24T15:00:00Z".parse().unwrap()
    }

    fn code(
        criticality: Criticality,
        scheduled_for: Option<DateTime<Utc>>,
        schedule: &Schedule,
    ) -> &'static str {
        check(Some(criticality), scheduled_for, schedule, clock(), now())
            .map_or_else(|p| p.errors[0].code.as_str(), |()| "ok")
    }

    #[test]
    fn a_critical_ticket_takes_no_appointment_and_any_other_needs_one_in_the_future() {
        let (always, later) = (Schedule::default(), Some(now() + TimeDelta::hours(1)));
        assert_eq!(code(Criticality::Critical, None, &always), "ok");
        assert_eq!(code(Criticality::Critical, later, &always), "not_allowed");
        assert_eq!(code(Criticality::High, later, &always), "ok");
        assert_eq!(code(Criticality::High, None, &always), "required");
        assert_eq!(code(Criticality::High, Some(now()), &always), "not_in_future");
    }

    #[test]
    fn an_appointment_lies_inside_a_shift_and_outside_of_absences() {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let mornings = |weekday| Shift {
            weekday,
            starts_at: time(8),
            ends_at: time(12),
            on_public_holidays: false,
            on_call: false,
        };
        let hours = |hours| Some(now() + TimeDelta::hours(hours));
        let mut schedule = Schedule { shifts: vec![mornings(2), mornings(3)], ..Schedule::default() };
        assert_eq!(code(Criticality::Low, hours(1), &schedule), "ok");
        assert_eq!(code(Criticality::Low, hours(2), &schedule), "outside_shift");
        let refused = check(Some(Criticality::Low), hours(2), &schedule, clock(), now()).unwrap_err();
        let detail = &refused.errors[0].detail;
        assert!(detail.es.ends_with("El siguiente es el miércoles 25 de noviembre de 2026 a las 8:00 a. m."));
        schedule.absences.push(now()..now() + TimeDelta::days(1));
        assert_eq!(code(Criticality::Low, hours(1), &schedule), "outside_shift");
        schedule.contract_ends_on = Some(clock().date(now()));
        let refused = check(Some(Criticality::Low), hours(1), &schedule, clock(), now()).unwrap_err();
        assert!(refused.errors[0].detail.es.ends_with("no tiene otro posterior."));
    }

    #[test]
    fn the_requester_is_told_in_their_language() {
        let at = Some(now() + TimeDelta::hours(5));
        let words = |locale, at| words(locale, "Tomás Ríos Cano", at, clock());
        assert_eq!(
            words(Locale::Es, at),
            "Tomás Ríos Cano atenderá su solicitud el martes 24 de noviembre de 2026 a las 3:00 p. m."
        );
        assert_eq!(
            words(Locale::En, at),
            "Tomás Ríos Cano will attend to your request on Tuesday 24 November 2026 at 3:00 p.m."
        );
        assert_eq!(words(Locale::Es, None), "Tomás Ríos Cano atiende su solicitud desde este momento.");
    }
}
