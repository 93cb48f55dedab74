//! The facts of what happened to tickets: solutions, reopenings, escalations, surveys and acceptances.

use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, SmallInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::fact::{Fact, Moment, What};
use super::frame::Plan;
use super::reading::{Maybe, Reader, within};
use crate::db::Statement;
use crate::db::cursor::read_in_pieces;
use crate::problem::Result;

/// What is done with each piece of facts, in the transaction that reads them.
pub(super) type Take<'a> = dyn FnMut(&mut PgConnection, Vec<Fact>) -> Result<()> + 'a;

/// What is read of the work: it depends on nothing that is read before, and so a second connection can read it.
pub(super) struct Work {
    period: (PgTimestamp, PgTimestamp),
    /// The moments of the backlogs, in ascending order.
    moments: Vec<Moment>,
    /// Of the frames with the work of staff.
    acceptances: Option<(PgTimestamp, PgTimestamp)>,
}

impl Work {
    pub(super) fn of(plan: &Plan, period: (PgTimestamp, PgTimestamp)) -> Self {
        let mut moments: Vec<Moment> = plan.slots.iter().map(|slot| slot.backlog).collect();
        moments.dedup();
        let acceptances = plan.work_bounds().map(|(begin, end)| (PgTimestamp(begin), PgTimestamp(end)));
        Work { period, moments, acceptances }
    }

    /// The openings, the escalations and the acceptances.
    pub(super) fn read(&self, tx: &mut PgConnection, take: &mut Take<'_>) -> Result<()> {
        self.openings(tx, take)?;
        self.escalations(tx, take)?;
        self.acceptances.map_or(Ok(()), |period| self.acceptances(tx, period, take))
    }

    /// The openings that ended with a solution in the period, those that were reopened in it, and others that contain the
    /// moment of a backlog: each at the first one.
    fn openings(&self, tx: &mut PgConnection, take: &mut Take<'_>) -> Result<()> {
        type Columns = (BigInt, Timestamptz, Timestamptz, Maybe<SmallInt>, Maybe<Double>, Maybe<SqlUuid>);
        type Row = (i64, PgTimestamp, PgTimestamp, Option<i16>, Option<f64>, Option<Uuid>);
        let solved = within(
            Statement::new(
                "SELECT ticket_id, opened_at, ended_at, support_level, working_minutes, solved_by_id FROM openings \
                 WHERE outcome = 'solved' AND ",
            ),
            "ended_at",
            self.period,
        );
        read_in_pieces::<Columns, Row>(tx, "solutions", solved, |tx, rows| {
            let fact = |(ticket, opened_at, ended_at, level, working_minutes, person_id): Row| Fact {
                ticket,
                at: ended_at.0,
                what: What::Solved { opened_at: opened_at.0, level, working_minutes, person_id },
            };
            take(tx, rows.into_iter().map(fact).collect())
        })?;
        type Reopened = (i64, PgTimestamp, Option<i16>, Option<Uuid>);
        let reopened = within(
            Statement::new("SELECT ticket_id, reopened_at, support_level, solved_by_id FROM openings WHERE "),
            "reopened_at",
            self.period,
        );
        type ReopenedColumns = (BigInt, Timestamptz, Maybe<SmallInt>, Maybe<SqlUuid>);
        read_in_pieces::<ReopenedColumns, Reopened>(tx, "reopenings", reopened, |tx, rows| {
            let fact = |(ticket, at, level, person_id): Reopened| Fact {
                ticket,
                at: at.0,
                what: What::Reopened { level, person_id },
            };
            take(tx, rows.into_iter().map(fact).collect())
        })?;
        type Open = (i64, PgTimestamp, Option<PgTimestamp>);
        let moments = &self.moments;
        // An opening that contains several of the moments began after the one before the first of them.
        let before: Vec<PgTimestamp> = [Moment::MIN]
            .into_iter()
            .chain(moments.iter().copied())
            .take(moments.len())
            .map(PgTimestamp)
            .collect();
        let moments: Vec<PgTimestamp> = moments.iter().copied().map(PgTimestamp).collect();
        let select = Statement::new("SELECT o.ticket_id, o.opened_at, o.ended_at FROM unnest(");
        let select = select.bind::<Array<Timestamptz>, _>(moments).sql(", ");
        let select = select.bind::<Array<Timestamptz>, _>(before).sql(
            ") AS moments (at, before) CROSS JOIN LATERAL openings_at(moments.at) o \
             WHERE o.opened_at >= moments.before AND NOT (o.outcome IS NOT DISTINCT FROM 'solved' \
             AND coalesce(",
        );
        let open = within(select, "o.ended_at", self.period).sql(", false))");
        type OpenColumns = (BigInt, Timestamptz, Maybe<Timestamptz>);
        read_in_pieces::<OpenColumns, Open>(tx, "backlogs", open, |tx, rows| {
            let fact = |(ticket, opened_at, ended_at): Open| Fact {
                ticket,
                at: opened_at.0,
                what: What::Open { ended_at: ended_at.map(|at| at.0) },
            };
            take(tx, rows.into_iter().map(fact).collect())
        })
    }

    /// Without the returns to a lower level.
    fn escalations(&self, tx: &mut PgConnection, take: &mut Take<'_>) -> Result<()> {
        type Row = (i64, PgTimestamp, i16, Option<Uuid>);
        let select = within(
            Statement::new(
                "SELECT ticket_id, created_at, to_level, escalated_by FROM escalations \
                 WHERE to_level > from_level AND ",
            ),
            "created_at",
            self.period,
        );
        type Columns = (BigInt, Timestamptz, SmallInt, Maybe<SqlUuid>);
        read_in_pieces::<Columns, Row>(tx, "escalated", select, |tx, rows| {
            let fact = |(ticket, at, to_level, person_id): Row| Fact {
                ticket,
                at: at.0,
                what: What::Escalated { to_level, person_id },
            };
            take(tx, rows.into_iter().map(fact).collect())
        })
    }

    /// Of the frames with the work of staff.
    fn acceptances(
        &self,
        tx: &mut PgConnection,
        period: (PgTimestamp, PgTimestamp),
        take: &mut Take<'_>,
    ) -> Result<()> {
        type Row = (i64, PgTimestamp, i16, PgTimestamp, PgTimestamp, Option<f64>, Option<Uuid>);
        let select = within(
            Statement::new(
                "SELECT ticket_id, accepted_at, level, started_at, due_at, working_minutes, accepted_by \
                 FROM attention_clocks WHERE ",
            ),
            "accepted_at",
            period,
        );
        type Columns =
            (BigInt, Timestamptz, SmallInt, Timestamptz, Timestamptz, Maybe<Double>, Maybe<SqlUuid>);
        read_in_pieces::<Columns, Row>(tx, "acceptances", select, |tx, rows| {
            let fact = |(ticket, at, level, started_at, due_at, working_minutes, person_id): Row| Fact {
                ticket,
                at: at.0,
                what: What::Accepted {
                    level,
                    started_at: started_at.0,
                    due_at: due_at.0,
                    working_minutes,
                    person_id,
                },
            };
            take(tx, rows.into_iter().map(fact).collect())
        })
    }
}

impl Reader {
    /// The surveys that were sent or answered in the period, each once.
    pub(super) fn surveys(&mut self, tx: &mut PgConnection) -> Result<()> {
        type Columns = (
            (BigInt, Timestamptz, Bool, Maybe<Timestamptz>),
            (Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>),
        );
        type Row = (
            (i64, PgTimestamp, bool, Option<PgTimestamp>),
            (Option<i16>, Option<i16>, Option<i16>, Option<i16>),
        );
        let select = Statement::new(
            "SELECT ticket_id, created_at, status = 'answered', answered_at, overall, timeliness, courtesy, solution \
             FROM surveys WHERE ",
        );
        let select = within(select, "created_at", self.period).sql(" OR ");
        let select = within(select, "answered_at", self.period);
        read_in_pieces::<Columns, Row>(tx, "surveyed", select, |tx, rows| {
            // Facts outside of the period do not count.
            let both = |((ticket, created_at, answered, answered_at), ratings): Row| {
                let (overall, timeliness, courtesy, solution) = ratings;
                let ratings = [overall, timeliness, courtesy, solution].map(Option::unwrap_or_default);
                let sent = Fact { ticket, at: created_at.0, what: What::Sent { answered } };
                let answer = |at: PgTimestamp| Fact { ticket, at: at.0, what: What::Answered { ratings } };
                [Some(sent), answered_at.map(answer)].into_iter().flatten()
            };
            self.facts(tx, rows.into_iter().flat_map(both))
        })
    }
}
