//! The facts of consecutive slots, read from the database by ranges of time. Each statement reads one narrow kind of row by
//! one index; which ticket a fact belongs to is looked up in memory, where a join would look up a wide row for each
//! fact.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

use super::fact::{AttentionState, Fact, Moment, Origin, Receipt, Removed, What};
use super::fold::Fold;
use crate::db::cursor::read_in_pieces;
use crate::db::schema::articles;
use crate::db::Statement;
use crate::problem::Result;
use crate::tickets::filters::ATTENTION;
use crate::tickets::model::{ArchiveReason, Channel, Criticality};

/// Compiling the queries costs more than it saves, pages of an index range lie together, and all rows are read.
const FOR_MANY_FACTS: &str =
    "SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1; SET LOCAL cursor_tuple_fraction = 1";

/// The number of facts of tickets that were received before: they are read at once.
const MOST_PENDING: usize = 10_000;

type Maybe<T> = Nullable<T>;

/// Reads the facts of all slots of a plan into its fold.
pub struct Reader {
    pub fold: Fold,
    /// The first moment of all slots, and the first one after them.
    period: (PgTimestamp, PgTimestamp),
    now: PgTimestamp,
    /// Facts of tickets that were not received in the slots.
    pending: Vec<Fact>,
}

impl Reader {
    /// Reads within a transaction that sees one snapshot. `now` is the moment of the state of what waits.
    ///
    /// # Errors
    /// An error of PostgreSQL.
    pub fn read(tx: &mut PgConnection, fold: Fold, now: Moment) -> Result<Fold> {
        let Some((begin, end)) = fold.plan.bounds() else { return Ok(fold) };
        tx.batch_execute(FOR_MANY_FACTS)?;
        let moment = |at| PgTimestamp(at);
        let mut reader =
            Reader { fold, period: (moment(begin), moment(end)), now: moment(now), pending: Vec::new() };
        reader.receipts(tx)?;
        reader.openings(tx)?;
        reader.escalations(tx)?;
        reader.surveys(tx)?;
        if reader.fold.plan.has_work() {
            reader.acceptances(tx)?;
        }
        reader.earlier_tickets(tx)?;
        reader.articles(tx)?;
        reader.removed_surveys(tx)?;
        Ok(reader.fold)
    }

    /// The tickets that were received, closed or archived in the period, each once.
    fn receipts(&mut self, tx: &mut PgConnection) -> Result<()> {
        type Columns = (
            (BigInt, Timestamptz, Maybe<Text>, Text, Maybe<SqlUuid>, Maybe<SqlUuid>, Bool),
            (Maybe<Text>, Maybe<Timestamptz>, Maybe<Double>, Bool),
            (Maybe<Timestamptz>, Maybe<Timestamptz>, Maybe<Text>),
        );
        type Row = (
            OriginRow,
            (Option<AttentionState>, Option<PgTimestamp>, Option<f64>, bool),
            (Option<PgTimestamp>, Option<PgTimestamp>, Option<ArchiveReason>),
        );
        let (period, now) = (self.period, self.now);
        let Some((before, after)) = ATTENTION.split_once("$now") else { return Ok(()) };
        let tickets_by = |select: Statement<'static>, column: &str| {
            let select = select.sql(format!("SELECT {ORIGIN}, {before}"));
            let select = select.bind::<Timestamptz, _>(now).sql(format!(
                "{after}, t.attended_at, t.attended_working_minutes, t.solved_at IS NOT NULL, t.closed_at, t.archived_at, \
                 t.archive_reason FROM tickets t WHERE "
            ));
            within(select, column, period)
        };
        let select = tickets_by(Statement::new(""), "t.received_at");
        let select = tickets_by(select.sql(" UNION ALL "), "t.closed_at");
        let select = select.sql(" AND t.received_at < ").bind::<Timestamptz, _>(period.0);
        let select = tickets_by(select.sql(" UNION ALL "), "t.archived_at");
        let select = select.sql(" AND t.received_at < ").bind::<Timestamptz, _>(period.0);
        let select =
            within(select.sql(" AND (t.closed_at IS NULL OR NOT ("), "t.closed_at", period).sql("))");
        read_in_pieces::<Columns, Row>(tx, "receipts", select, |_, rows| {
            for (origin, (attention, attended_at, working, solved), (closed_at, archived_at, reason)) in rows
            {
                let (id, origin) = origin_of(origin);
                self.fold.receipt(&Receipt {
                    id,
                    origin,
                    attention,
                    attended_at: attended_at.map(|at| at.0),
                    attended_working_minutes: working,
                    solved,
                    closed_at: closed_at.map(|at| at.0),
                    archived_at: archived_at.map(|at| at.0),
                    archive_reason: reason,
                });
            }
            Ok(())
        })
    }

    /// The openings that ended with a solution in the period, those that were reopened in it, and others that contain the
    /// moment of a backlog: each at the first one.
    fn openings(&mut self, tx: &mut PgConnection) -> Result<()> {
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
            self.facts(tx, rows.into_iter().map(fact))
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
            self.facts(tx, rows.into_iter().map(fact))
        })?;
        type Open = (i64, PgTimestamp, Option<PgTimestamp>);
        let mut moments: Vec<Moment> = self.fold.plan.slots.iter().map(|slot| slot.backlog).collect();
        moments.dedup();
        // An opening that contains several of the moments began after the one before the first of them.
        let before: Vec<PgTimestamp> = [Moment::MIN]
            .into_iter()
            .chain(moments.iter().copied())
            .take(moments.len())
            .map(PgTimestamp)
            .collect();
        let moments: Vec<PgTimestamp> = moments.into_iter().map(PgTimestamp).collect();
        let select = Statement::new("SELECT o.ticket_id, o.opened_at, o.ended_at FROM unnest(");
        let select = select.bind::<Array<Timestamptz>, _>(moments).sql(", ");
        let select = select.bind::<Array<Timestamptz>, _>(before).sql(
            ") AS moments (at, before) JOIN openings o ON o.open_during @> moments.at \
             AND o.opened_at >= moments.before WHERE NOT (o.outcome IS NOT DISTINCT FROM 'solved' \
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
            self.facts(tx, rows.into_iter().map(fact))
        })
    }

    /// Without the returns to a lower level.
    fn escalations(&mut self, tx: &mut PgConnection) -> Result<()> {
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
            self.facts(tx, rows.into_iter().map(fact))
        })
    }

    /// The surveys that were sent in the period, and those that were answered in it.
    fn surveys(&mut self, tx: &mut PgConnection) -> Result<()> {
        type Sent = (i64, PgTimestamp, bool);
        let sent = within(
            Statement::new("SELECT ticket_id, created_at, status = 'answered' FROM surveys WHERE "),
            "created_at",
            self.period,
        );
        read_in_pieces::<(BigInt, Timestamptz, Bool), Sent>(tx, "sent", sent, |tx, rows| {
            let fact =
                |(ticket, at, answered): Sent| Fact { ticket, at: at.0, what: What::Sent { answered } };
            self.facts(tx, rows.into_iter().map(fact))
        })?;
        type Answered = (i64, PgTimestamp, [Option<i16>; 4]);
        type Row = (i64, PgTimestamp, Option<i16>, Option<i16>, Option<i16>, Option<i16>);
        let answered = within(
            Statement::new(
                "SELECT ticket_id, answered_at, overall, timeliness, courtesy, solution FROM surveys \
                 WHERE ",
            ),
            "answered_at",
            self.period,
        );
        type Columns =
            (BigInt, Timestamptz, Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>);
        read_in_pieces::<Columns, Row>(tx, "answered", answered, |tx, rows| {
            let row = |(ticket, at, overall, timeliness, courtesy, solution): Row| -> Answered {
                (ticket, at, [overall, timeliness, courtesy, solution])
            };
            let fact = |(ticket, at, ratings): Answered| Fact {
                ticket,
                at: at.0,
                what: What::Answered { ratings: ratings.map(Option::unwrap_or_default) },
            };
            self.facts(tx, rows.into_iter().map(row).map(fact))
        })
    }

    fn acceptances(&mut self, tx: &mut PgConnection) -> Result<()> {
        type Row = (i64, PgTimestamp, i16, PgTimestamp, PgTimestamp, Option<f64>, Option<Uuid>);
        let select = within(
            Statement::new(
                "SELECT ticket_id, accepted_at, level, started_at, due_at, working_minutes, accepted_by \
                 FROM attention_clocks WHERE ",
            ),
            "accepted_at",
            self.period,
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
            self.facts(tx, rows.into_iter().map(fact))
        })
    }

    /// Those within the range of solved tickets.
    fn articles(&mut self, tx: &mut PgConnection) -> Result<()> {
        let Some((first, last)) = self.fold.solved_ids() else { return Ok(()) };
        let written = articles::table.filter(articles::ticket_id.between(first, last));
        let tickets: Vec<Option<i64>> = written.select(articles::ticket_id).load(tx)?;
        tickets.into_iter().flatten().for_each(|ticket| self.fold.article(ticket));
        Ok(())
    }

    /// Of removed surveys only the day is known.
    fn removed_surveys(&mut self, tx: &mut PgConnection) -> Result<()> {
        let slots = &self.fold.plan.slots;
        let Some((first, last)) = slots.first().zip(slots.last()) else { return Ok(()) };
        let (first, last) = (first.first_day, last.last_day);
        type Columns = (
            (Text, Date, Integer, Maybe<Text>),
            (Maybe<Text>, Text, Maybe<SqlUuid>, Maybe<SqlUuid>),
            (Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>, Maybe<SmallInt>),
        );
        type Row = (
            (String, NaiveDate, i32, Option<String>),
            (Option<Criticality>, Channel, Option<Uuid>, Option<Uuid>),
            (Option<i16>, Option<i16>, Option<i16>, Option<i16>),
        );
        let select = Statement::new(
            "SELECT fact, day, surveys, status, criticality, channel, unit_id, category_id, overall, timeliness, \
             courtesy, solution FROM survey_counts WHERE fact IN ('sent', 'answered') AND day >= ",
        );
        let select = select.bind::<Date, _>(first).sql(" AND day <= ").bind::<Date, _>(last);
        read_in_pieces::<Columns, Row>(tx, "removed", select, |_, rows| {
            for ((fact, day, surveys, status), (criticality, channel, unit_id, category_id), ratings) in rows
            {
                let origin =
                    Origin { received_at: 0, criticality, channel, unit_id, category_id, over: true };
                let (overall, timeliness, courtesy, solution) = ratings;
                let ratings = [overall, timeliness, courtesy, solution].map(Option::unwrap_or_default);
                let what = match fact.as_str() {
                    "sent" => What::Sent { answered: status.as_deref() == Some("answered") },
                    _ => What::Answered { ratings },
                };
                self.fold.removed(&Removed { day, origin, surveys, what });
            }
            Ok(())
        })
    }

    /// Counts facts; those of unknown tickets once enough of these can be read together.
    fn facts(&mut self, tx: &mut PgConnection, facts: impl Iterator<Item = Fact>) -> Result<()> {
        for fact in facts {
            if self.fold.knows(fact.ticket) {
                self.fold.fact(&fact);
            } else {
                self.pending.push(fact);
            }
        }
        if self.pending.len() < MOST_PENDING { Ok(()) } else { self.earlier_tickets(tx) }
    }

    /// Reads the tickets of the facts that wait for them.
    fn earlier_tickets(&mut self, tx: &mut PgConnection) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let ids: BTreeSet<i64> = pending.iter().map(|fact| fact.ticket).collect();
        for some in ids.into_iter().collect::<Vec<i64>>().chunks(MOST_PENDING) {
            let rows: Vec<OriginRow> =
                Statement::typed::<OriginColumns>(format!("SELECT {ORIGIN} FROM tickets t WHERE t.id = ANY("))
                    .bind::<Array<BigInt>, _>(some.to_vec())
                    .sql(")")
                    .load(tx)?;
            for row in rows {
                let (id, origin) = origin_of(row);
                self.fold.ticket(id, &origin);
            }
        }
        pending.iter().for_each(|fact| self.fold.fact(fact));
        Ok(())
    }
}

/// Adds the condition that a time is in the period.
fn within(
    select: Statement<'static>,
    column: &str,
    (begin, end): (PgTimestamp, PgTimestamp),
) -> Statement<'static> {
    let select = select.sql(format!("{column} >= ")).bind::<Timestamptz, _>(begin);
    select.sql(format!(" AND {column} < ")).bind::<Timestamptz, _>(end)
}

const ORIGIN: &str = "t.id, t.received_at, t.criticality, t.channel, t.requester_unit_id, t.category_id, \
    t.status IN ('closed', 'archived')";

type OriginColumns = (BigInt, Timestamptz, Maybe<Text>, Text, Maybe<SqlUuid>, Maybe<SqlUuid>, Bool);
type OriginRow = (i64, PgTimestamp, Option<Criticality>, Channel, Option<Uuid>, Option<Uuid>, bool);

fn origin_of(
    (id, received_at, criticality, channel, unit_id, category_id, over): OriginRow,
) -> (i64, Origin) {
    (id, Origin { received_at: received_at.0, criticality, channel, unit_id, category_id, over })
}
