//! The working time until a ticket was accepted and solved. It is stored with the ticket, so that statistics need no
//! calendar.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz};
use uuid::Uuid;

use super::policies::{self, kept_calendar};
use crate::db::schema::{attentions, openings, tickets};
use crate::holidays::{Holidays, sets};
use crate::problem::{Problem, Result};
use crate::tickets::clock::{self, Calendar, Span};
use crate::tickets::model::TicketRow;
use crate::tickets::steps::Case;
use crate::tickets::store;

/// Stores the working time of an acceptance: from the ticket's reception if it is the first acceptance, and from the
/// start of the level's clock.
pub fn keep_acceptance(case: &mut Case<'_>, first: bool) -> Result<()> {
    let level = attentions::table.find((case.ticket.id, case.ticket.support_level));
    let known: Option<(DateTime<Utc>, String, Uuid)> = level
        .select((attentions::started_at, attentions::opening_hours, attentions::holiday_set_id))
        .first(case.tx)
        .optional()?;
    let pauses = store::pauses_of(case.tx, case.ticket.id, case.now)?;
    if let Some((started_at, opening_hours, holiday_set_id)) = known {
        let holidays = sets::one(case.tx, holiday_set_id)?;
        let calendar = kept_calendar(&opening_hours, case.timezone, &holidays)?;
        let minutes = minutes(&calendar, started_at, case.now, &pauses);
        let unmeasured = attentions::accepted_at.eq(case.now).and(attentions::working_minutes.is_null());
        diesel::update(level)
            .filter(unmeasured)
            .set(attentions::working_minutes.eq(minutes))
            .execute(case.tx)?;
    }
    if first {
        let calendar = of_ticket(case.tx, &case.ticket, case.timezone)?;
        let minutes = minutes(&calendar, case.ticket.received_at, case.now, &pauses);
        diesel::update(tickets::table.find(case.ticket.id))
            .set(tickets::attended_working_minutes.eq(minutes))
            .execute(case.tx)?;
    }
    Ok(())
}

/// Stores the working time of a solution, from the ticket's reception.
pub fn keep_solution(case: &mut Case<'_>) -> Result<()> {
    let pauses = store::pauses_of(case.tx, case.ticket.id, case.now)?;
    let calendar = of_ticket(case.tx, &case.ticket, case.timezone)?;
    let minutes = minutes(&calendar, case.ticket.received_at, case.now, &pauses);
    let open =
        openings::table.filter(openings::ticket_id.eq(case.ticket.id).and(openings::ended_at.is_null()));
    diesel::update(open).set(openings::working_minutes.eq(minutes)).execute(case.tx)?;
    Ok(())
}

fn of_ticket(db: &mut PgConnection, ticket: &TicketRow, timezone: Tz) -> Result<Calendar> {
    let criticality =
        ticket.criticality.ok_or_else(|| Problem::internal("attended without a criticality"))?;
    policies::of_ticket(db, ticket, criticality)?.calendar(db, timezone)
}

/// Minutes that counted. If the span is too long for the calendar to evaluate, all of it counts.
fn minutes(calendar: &Calendar, from: DateTime<Utc>, to: DateTime<Utc>, pauses: &[Span]) -> f64 {
    clock::minutes(calendar.counted(from, to, pauses).unwrap_or(to - from).max(chrono::TimeDelta::zero()))
}

/// How many are computed per batch.
const BATCH: i64 = 200;

/// An item without a computed working time: it is older than this record, or was written by an older version of the
/// server.
#[derive(QueryableByName)]
struct Unmeasured {
    #[diesel(sql_type = BigInt)]
    ticket_id: i64,
    /// The support level of an acceptance, the negative number of an opening, or `None` for the first acceptance of
    /// the ticket.
    #[diesel(sql_type = Nullable<SmallInt>)]
    part: Option<i16>,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    opening_hours: String,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    holiday_set_id: Option<Uuid>,
}

/// The calendar is that of the ticket's first clock.
const UNMEASURED: &str = "\
    WITH found AS ( \
        (SELECT id AS ticket_id, NULL::smallint AS part, received_at AS since, attended_at AS until FROM tickets \
            WHERE attended_at IS NOT NULL AND attended_working_minutes IS NULL AND imported_at IS NULL LIMIT $1) \
        UNION ALL \
        (SELECT ticket_id, level, started_at, accepted_at FROM attentions \
            WHERE accepted_at IS NOT NULL AND working_minutes IS NULL LIMIT $1) \
        UNION ALL \
        (SELECT o.ticket_id, (-o.number)::smallint, t.received_at, o.ended_at FROM openings o JOIN tickets t ON t.id = o.ticket_id \
            WHERE o.outcome = 'solved' AND o.working_minutes IS NULL LIMIT $1)) \
    SELECT found.*, coalesce(clock.opening_hours, '24/7') AS opening_hours, clock.holiday_set_id \
    FROM found LEFT JOIN LATERAL (SELECT a.opening_hours, a.holiday_set_id FROM attention_clocks a \
        WHERE a.ticket_id = found.ticket_id \
        ORDER BY coalesce(a.round IS NULL AND a.level = found.part, false) DESC, a.round, a.level LIMIT 1) clock ON true LIMIT $1";

const KEEP: &str = "\
    WITH given AS (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::float8[]) AS g (ticket_id, part, minutes)), \
    first AS (UPDATE tickets t SET attended_working_minutes = g.minutes FROM given g \
        WHERE t.id = g.ticket_id AND g.part IS NULL), \
    level AS (UPDATE attentions a SET working_minutes = g.minutes FROM given g \
        WHERE a.ticket_id = g.ticket_id AND a.level = g.part) \
    UPDATE openings o SET working_minutes = g.minutes FROM given g \
    WHERE o.ticket_id = g.ticket_id AND o.number = -g.part";

/// Computes missing working times; returns how many.
pub fn fill_in(db: &mut PgConnection, timezone: Tz) -> Result<usize> {
    use diesel::sql_types::{Array, Double};
    let found: Vec<Unmeasured> = diesel::sql_query(UNMEASURED).bind::<BigInt, _>(BATCH).load(db)?;
    if found.is_empty() {
        return Ok(0);
    }
    let tickets: Vec<i64> = found.iter().map(|one| one.ticket_id).collect();
    let now = crate::db::now(db)?;
    let pauses = store::pauses(db, &tickets, now)?;
    let holidays = sets::by_id(db, found.iter().filter_map(|one| one.holiday_set_id))?;
    let none = Holidays::none();
    let mut calendars: HashMap<(&str, Option<Uuid>), Calendar> = HashMap::new();
    let mut measured = Vec::new();
    for one in &found {
        let calendar = match calendars.entry((&one.opening_hours, one.holiday_set_id)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                let holidays = match one.holiday_set_id {
                    Some(id) => sets::among(&holidays, id)?,
                    None => &none,
                };
                new.insert(kept_calendar(&one.opening_hours, timezone, holidays)?)
            }
        };
        let paused = pauses.get(&one.ticket_id).map_or(&[][..], Vec::as_slice);
        measured.push(minutes(calendar, one.since, one.until, paused));
    }
    let parts: Vec<Option<i16>> = found.iter().map(|one| one.part).collect();
    diesel::sql_query(KEEP)
        .bind::<Array<BigInt>, _>(tickets)
        .bind::<Array<Nullable<SmallInt>>, _>(parts)
        .bind::<Array<Double>, _>(measured)
        .execute(db)?;
    Ok(found.len())
}
