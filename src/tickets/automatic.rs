//! Automatic assignment: the choice of the assignee.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;
use uuid::Uuid;

use super::model::Criticality;
use super::workload::{self, Workload};
use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::language::locale::Locale;
use crate::people::availability::{EntityClock, Schedule};
use crate::people::{Person, schedules};
use crate::problem::{Code, Problem, Result, Text};

/// Serializes automatic assignments, so that two of them do not choose the same person at once.
const LOCK: i64 = 0x4d45_5341_0002;

/// The active staff of some support levels, with the data on which the choice depends.
pub struct Candidates<'a> {
    all: Vec<Candidate>,
    clock: EntityClock<'a>,
    now: DateTime<Utc>,
}

struct Candidate {
    person: Person,
    schedule: Schedule,
    work: Workload,
}

impl<'a> Candidates<'a> {
    /// The candidates of these levels; blocks other automatic assignments until the end of the transaction.
    pub fn load(
        tx: &mut PgConnection,
        levels: &[i16],
        clock: EntityClock<'a>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
        let roles: Vec<Role> = levels.iter().filter_map(|level| Role::of_support_level(*level)).collect();
        let people: Vec<Person> = users::table
            .filter(users::active)
            .filter(users::role.eq_any(roles))
            .select(Person::as_select())
            .load(tx)?;
        let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        let mut schedules = schedules::by_user(tx, &ids, now)?;
        let mut workloads = workload::by_user(tx, &ids)?;
        let all = people.into_iter().map(|person| Candidate {
            schedule: schedules.remove(&person.id).unwrap_or_default(),
            work: workloads.remove(&person.id).unwrap_or_default(),
            person,
        });
        Ok(Candidates { all: all.collect(), clock, now })
    }

    /// Chooses the available person of exactly this level with the least open work, weighted by criticality; ties go
    /// to the person whose last assignment is the oldest. The ticket is added to that person's work for later
    /// choices.
    ///
    /// # Errors
    /// A 409 that states who is available next, and when.
    pub fn choose(
        &mut self,
        level: i16,
        criticality: Option<Criticality>,
        except: Option<Uuid>,
    ) -> Result<Person> {
        let (clock, now) = (self.clock, self.now);
        let of_level = |candidate: &Candidate| {
            candidate.person.role.support_level() == Some(level) && Some(candidate.person.id) != except
        };
        let available = self.all.iter_mut().filter(|candidate| of_level(candidate));
        let chosen = available.filter(|candidate| candidate.schedule.is_available(clock, now)).min_by_key(
            |candidate| (candidate.work.open_work, candidate.work.last_assigned_at, candidate.person.id),
        );
        match chosen {
            Some(Candidate { person, work, .. }) => {
                work.open_tickets += 1;
                work.open_work += criticality.map_or(0, Criticality::weight);
                work.last_assigned_at = Some(now);
                Ok(person.clone())
            }
            None => {
                let next = self.all.iter().filter(|candidate| of_level(candidate)).filter_map(|candidate| {
                    Some((candidate.schedule.next_available(clock, now)?, &candidate.person))
                });
                Err(nobody(level, clock, next.min_by_key(|(at, person)| (*at, person.id))))
            }
        }
    }
}

fn nobody(level: i16, clock: EntityClock<'_>, next: Option<(DateTime<Utc>, &Person)>) -> Problem {
    let detail = match next {
        None => Text::made(
            format!("Nadie más del nivel {level} de soporte estará disponible: indique quién lo atenderá."),
            format!("No one else at support level {level} will be available: name the assignee."),
        ),
        Some((at, person)) => {
            let (name, at) = (&person.full_name, |locale: Locale| locale.moment(at, clock.timezone));
            Text::made(
                format!(
                    "Nadie del nivel {level} de soporte está disponible; {name} lo estará el {}",
                    at(Locale::Es)
                ),
                format!(
                    "No one at support level {level} is available; the next is {name}, on {}",
                    at(Locale::En)
                ),
            )
        }
    };
    let mut problem = Problem::new(Code::NobodyAvailable, detail);
    problem.members.insert("next_available_at".to_owned(), json!(next.map(|(at, _)| at)));
    problem.members.insert("next_available_user".to_owned(), json!(next.map(|(_, person)| person)));
    problem
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use chrono::TimeDelta;

    use super::*;
    use crate::auth::person::PersonKind;
    use crate::holidays::{Holidays, colombia};
    use crate::people::availability::Shift;

    fn now() -> DateTime<Utc> {
        // A Tuesday, 10:00 in Bogotá.
        "2026-11-24T15:00:00Z".parse().unwrap()
    }

    fn candidate(name: &str, role: Role, open_work: i64, assigned_minutes_ago: Option<i64>) -> Candidate {
        let last_assigned_at = assigned_minutes_ago.map(|minutes| now() - TimeDelta::minutes(minutes));
        Candidate {
            person: Person { id: Uuid::now_v7(), full_name: name.to_owned(), role, kind: PersonKind::Person },
            schedule: Schedule::default(),
            work: Workload { open_tickets: 1, open_work, last_assigned_at },
        }
    }

    fn candidates(all: Vec<Candidate>) -> Candidates<'static> {
        static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(colombia::holidays);
        let clock = EntityClock { timezone: chrono_tz::America::Bogota, holidays: &HOLIDAYS };
        Candidates { all, clock, now: now() }
    }

    fn afternoon(mut candidate: Candidate) -> Candidate {
        candidate.schedule.shifts.push(Shift {
            weekday: 2,
            starts_at: chrono::NaiveTime::from_hms_opt(13, 0, 0).unwrap(),
            ends_at: chrono::NaiveTime::from_hms_opt(17, 0, 0).unwrap(),
            on_public_holidays: false,
            on_call: false,
        });
        candidate
    }

    #[test]
    fn four_low_tickets_weigh_less_than_a_critical_one() {
        let mut all = candidates(vec![
            candidate("Ana", Role::Technician, 8, None),
            candidate("Blas", Role::Technician, 4, Some(1)),
            candidate("Paula", Role::Professional, 0, None),
        ]);
        assert_eq!(all.choose(1, Some(Criticality::Low), None).unwrap().full_name, "Blas");
    }

    #[test]
    fn among_equals_who_was_given_work_longest_ago_and_first_of_all_who_never_was() {
        let mut all = candidates(vec![
            candidate("Ana", Role::Technician, 2, Some(5)),
            candidate("Blas", Role::Technician, 2, Some(50)),
            candidate("Carla", Role::Technician, 2, None),
        ]);
        let chosen: Vec<String> =
            (0..4).map(|_| all.choose(1, Some(Criticality::Medium), None).unwrap().full_name).collect();
        assert_eq!(chosen[..3], ["Carla", "Blas", "Ana"]);
    }

    #[test]
    fn who_has_the_ticket_already_is_not_chosen() {
        let all =
            vec![candidate("Ana", Role::Technician, 0, None), candidate("Blas", Role::Technician, 9, None)];
        let ana = all[0].person.id;
        assert_eq!(candidates(all).choose(1, None, Some(ana)).unwrap().full_name, "Blas");
    }

    #[test]
    fn where_nobody_is_available_the_problem_says_who_is_next_and_when() {
        let mut all = candidates(vec![
            afternoon(candidate("Ana", Role::Technician, 0, None)),
            candidate("Paula", Role::Professional, 0, None),
        ]);
        let problem = all.choose(1, None, None).unwrap_err();
        assert_eq!(problem.code, Code::NobodyAvailable);
        assert_eq!(problem.members["next_available_at"], "2026-11-24T18:00:00Z");
        assert_eq!(problem.members["next_available_user"]["full_name"], "Ana");
        assert!(
            problem.detail.es.ends_with("Ana lo estará el martes 24 de noviembre de 2026 a la 1:00 p. m.")
        );
        let problem = all.choose(3, None, None).unwrap_err();
        assert!(
            problem.members["next_available_at"].is_null()
                && problem.members["next_available_user"].is_null()
        );
    }
}
