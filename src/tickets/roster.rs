//! Which of the staff are told of a ticket that waits for them: those of its level who are on shift, those on call, or
//! nobody yet. Pure, except for the loading of the staff.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::model::Criticality;
use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::people::availability::{EntityClock, Schedule};
use crate::people::schedules;
use crate::problem::Result;

/// Where a person is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// On shift, not absent and under contract.
    OnShift,
    /// Not on shift, but on call.
    OnCall,
    Away,
    /// The contract has ended.
    Left,
}

impl Presence {
    fn at(schedule: &Schedule, clock: EntityClock<'_>, moment: DateTime<Utc>) -> Self {
        if schedule.has_contract_ended(clock, moment) {
            Presence::Left
        } else if schedule.is_available(clock, moment) {
            Presence::OnShift
        } else if schedule.is_reachable(clock, moment) {
            Presence::OnCall
        } else {
            Presence::Away
        }
    }
}

struct Member {
    id: Uuid,
    role: Role,
    presence: Presence,
    /// Whether the person receives mail about new tickets.
    new_ticket_mail: bool,
}

/// A ticket that waits for staff.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    pub level: i16,
    pub criticality: Option<Criticality>,
    /// It is critical, or may be: it is not classified, and its provisional clock is that of a critical ticket.
    pub urgent: bool,
    /// A member of staff is not told of their own request.
    pub requester_id: Uuid,
}

/// Who is told now.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub recipients: Vec<Uuid>,
    /// Whether the people whose work it is were told: otherwise those who come on shift or on call next are told too.
    pub settled: bool,
    /// Whether the recipients are the directors, because nobody of the level can be reached.
    pub by_default: bool,
}

/// The active staff at a moment.
pub struct Roster(Vec<Member>);

impl Roster {
    pub fn load(db: &mut PgConnection, clock: EntityClock<'_>, now: DateTime<Utc>) -> Result<Self> {
        let people: Vec<(Uuid, Role, bool)> = users::table
            .filter(users::active)
            // As an equality: an index has the staff by role.
            .filter(users::role.eq_any(Role::ALL.iter().filter(|role| **role != Role::Requester)))
            .order(users::id)
            .select((users::id, users::role, users::staff_mail))
            .load(db)?;
        let ids: Vec<Uuid> = people.iter().map(|(id, ..)| *id).collect();
        let schedules = schedules::by_user(db, &ids, now)?;
        Ok(Self::new(people, &schedules, clock, now))
    }

    /// From people with their roles and whether they receive mail about new tickets.
    fn new(
        people: Vec<(Uuid, Role, bool)>,
        schedules: &HashMap<Uuid, Schedule>,
        clock: EntityClock<'_>,
        now: DateTime<Utc>,
    ) -> Self {
        let always = Schedule::default();
        let member = |(id, role, new_ticket_mail)| {
            let presence = Presence::at(schedules.get(&id).unwrap_or(&always), clock, now);
            Member { id, role, presence, new_ticket_mail }
        };
        Roster(people.into_iter().map(member).collect())
    }

    /// All active staff of this level, present or not.
    pub fn of_level(&self, level: i16) -> Vec<Uuid> {
        let role = Role::of_support_level(level);
        self.0.iter().filter(|member| Some(member.role) == role).map(|member| member.id).collect()
    }

    /// Those of the level who are on shift, and for an urgent ticket those on call too. If nobody is on shift, those on
    /// call. If nobody is on call either, the directors for an urgent ticket, and otherwise nobody yet. People who
    /// turned off mail about new tickets do not count unless the ticket is critical.
    pub fn whom_to_tell(&self, ticket: &Waiting) -> Told {
        let reads = |member: &&Member| {
            member.id != ticket.requester_id
                && (member.new_ticket_mail || ticket.criticality == Some(Criticality::Critical))
        };
        let with = |role: Option<Role>, presences: &[Presence]| -> Vec<Uuid> {
            let members = self.0.iter().filter(reads).filter(|member| Some(member.role) == role);
            members.filter(|member| presences.contains(&member.presence)).map(|member| member.id).collect()
        };
        let role = Role::of_support_level(ticket.level);
        let (on_shift, on_call) = (with(role, &[Presence::OnShift]), with(role, &[Presence::OnCall]));
        let settled = !on_shift.is_empty();
        let recipients = match (settled, ticket.urgent) {
            (true, false) => on_shift,
            (true, true) => [on_shift, on_call].concat(),
            (false, _) => on_call,
        };
        if recipients.is_empty() && ticket.urgent {
            let reachable = [Presence::OnShift, Presence::OnCall, Presence::Away];
            return Told { recipients: with(Some(Role::Director), &reachable), settled, by_default: true };
        }
        Told { recipients, settled, by_default: false }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use chrono::{NaiveDate, NaiveTime};

    use super::*;
    use crate::holidays::{Holidays, colombia};
    use crate::people::availability::Shift;

    const DAY: Uuid = Uuid::from_u128(1);
    const NIGHT: Uuid = Uuid::from_u128(2);
    const QUIET: Uuid = Uuid::from_u128(3);
    const LEFT: Uuid = Uuid::from_u128(4);
    const PROFESSIONAL: Uuid = Uuid::from_u128(5);
    const DIRECTOR: Uuid = Uuid::from_u128(6);

    fn shift(starts_at: u32, ends_at: u32, on_call: bool) -> Vec<Shift> {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let day = |weekday| Shift {
            weekday,
            starts_at: time(starts_at),
            ends_at: time(ends_at),
            on_public_holidays: true,
            on_call,
        };
        (1..=7).map(day).collect()
    }

    /// Works by day: DAY, also QUIET, who turned off mail about new tickets. Is on call by night: NIGHT. The
    /// professional and the director work by day.
    fn roster(hour: u32) -> Roster {
        static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(colombia::holidays);
        let clock = EntityClock { timezone: chrono_tz::America::Bogota, holidays: &HOLIDAYS };
        let by_day = || Schedule { shifts: shift(8, 17, false), ..Schedule::default() };
        let schedules = HashMap::from([
            (DAY, by_day()),
            (NIGHT, Schedule { shifts: shift(17, 23, true), ..Schedule::default() }),
            (QUIET, by_day()),
            (
                LEFT,
                Schedule { contract_ends_on: NaiveDate::from_ymd_opt(2026, 11, 1), ..Schedule::default() },
            ),
            (PROFESSIONAL, by_day()),
            (DIRECTOR, by_day()),
        ]);
        let people = vec![
            (DAY, Role::Technician, true),
            (NIGHT, Role::Technician, true),
            (QUIET, Role::Technician, false),
            (LEFT, Role::Technician, true),
            (PROFESSIONAL, Role::Professional, true),
            (DIRECTOR, Role::Director, true),
        ];
        let now = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(hour, 0, 0).unwrap();
        let now = now.and_local_timezone(chrono_tz::America::Bogota).unwrap().to_utc();
        Roster::new(people, &schedules, clock, now)
    }

    fn waiting(level: i16, criticality: Option<Criticality>, urgent: bool) -> Waiting {
        Waiting { level, criticality, urgent, requester_id: Uuid::nil() }
    }

    fn told(recipients: &[Uuid], settled: bool, by_default: bool) -> Told {
        Told { recipients: recipients.to_vec(), settled, by_default }
    }

    #[test]
    fn those_on_shift_are_told_and_of_a_critical_ticket_those_who_are_quiet_too() {
        let roster = roster(10);
        assert_eq!(roster.whom_to_tell(&waiting(1, None, true)), told(&[DAY], true, false));
        assert_eq!(
            roster.whom_to_tell(&waiting(1, Some(Criticality::Low), false)),
            told(&[DAY], true, false)
        );
        let critical = waiting(1, Some(Criticality::Critical), true);
        assert_eq!(roster.whom_to_tell(&critical), told(&[DAY, QUIET], true, false));
        assert_eq!(roster.whom_to_tell(&waiting(2, None, false)), told(&[PROFESSIONAL], true, false));
    }

    #[test]
    fn an_urgent_ticket_reaches_those_on_call_beside_those_on_shift() {
        let mut roster = roster(10);
        roster.0[1].presence = Presence::OnCall;
        assert_eq!(roster.whom_to_tell(&waiting(1, None, true)), told(&[DAY, NIGHT], true, false));
        assert_eq!(roster.whom_to_tell(&waiting(1, None, false)), told(&[DAY], true, false));
    }

    #[test]
    fn if_nobody_is_on_shift_those_on_call_are_told_and_the_others_later() {
        for urgent in [false, true] {
            assert_eq!(roster(20).whom_to_tell(&waiting(1, None, urgent)), told(&[NIGHT], false, false));
        }
    }

    #[test]
    fn if_nobody_can_be_reached_the_directors_are_told_of_an_urgent_ticket() {
        let roster = roster(3);
        assert_eq!(roster.whom_to_tell(&waiting(1, None, false)), told(&[], false, false));
        assert_eq!(roster.whom_to_tell(&waiting(1, None, true)), told(&[DIRECTOR], false, true));
        assert_eq!(roster.whom_to_tell(&waiting(2, None, true)), told(&[DIRECTOR], false, true));
    }

    #[test]
    fn nobody_is_told_of_their_own_request() {
        let own = Waiting { requester_id: DAY, ..waiting(1, None, false) };
        assert_eq!(roster(10).whom_to_tell(&own), told(&[], false, false));
    }
}
