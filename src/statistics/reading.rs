//! The facts of consecutive slots, read from the database by ranges of time. Each statement reads one narrow kind of row by
//! one index; which ticket a fact belongs to is looked up in memory, where a join would look up a wide row for each
//! fact.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::thread;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

use super::fact::{Fact, Moment, Origin, Receipt, Removed, What};
use super::fold::Fold;
use super::reading_events::Work;
use crate::db::cursor::read_in_pieces;
use crate::db::schema::articles;
use crate::db::{Db, Literal, Statement};
use crate::problem::{Problem, Result};
use crate::tickets::filters::{ATTENTION, AttentionState};
use crate::tickets::model::{ArchiveReason, Channel, Criticality};

/// Compiling the queries costs more than it saves, pages of an index range lie together, and all rows are read.
const FOR_MANY_FACTS: &str =
    "SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1; SET LOCAL cursor_tuple_fraction = 1";

/// The number of facts of tickets that were received before: they are read at once.
const MOST_PENDING: usize = 10_000;

/// The number of pieces of facts that wait for the tickets to be read: about five megabytes.
const MOST_QUEUED: usize = 32;

pub(super) type Maybe<T> = Nullable<T>;

/// Reads the facts of all slots of a plan into its fold.
pub struct Reader {
    pub fold: Fold,
    /// The first moment of all slots, and the first one after them.
    pub(super) period: (PgTimestamp, PgTimestamp),
    now: PgTimestamp,
    /// Facts of tickets that were not received in the slots.
    pending: Vec<Fact>,
}

impl Reader {
    /// Reads within a transaction that sees one snapshot. `now` is the moment of the state of what waits. If the pool has
    /// a connection to spare, it reads a part of the facts from the same snapshot at the same time.
    ///
    /// # Errors
    /// An error of PostgreSQL.
    pub fn read(tx: &mut PgConnection, fold: Fold, now: Moment, pool: Option<&Db>) -> Result<Fold> {
        let Some((begin, end)) = fold.plan.bounds() else { return Ok(fold) };
        tx.batch_execute(FOR_MANY_FACTS)?;
        let moment = |at| PgTimestamp(at);
        let mut reader =
            Reader { fold, period: (moment(begin), moment(end)), now: moment(now), pending: Vec::new() };
        let work = Work::of(&reader.fold.plan, reader.period);
        match pool.and_then(Db::spare) {
            Some(mut spare) => reader.divided(tx, &work, |read| spare.work(read))?,
            None => {
                reader.receipts(tx)?;
                work.read(tx, &mut |tx, facts| reader.facts(tx, facts.into_iter()))?;
                reader.surveys(tx)?;
            }
        }
        reader.earlier_tickets(tx)?;
        reader.articles(tx)?;
        reader.removed_surveys(tx)?;
        Ok(reader.fold)
    }

    /// Reads the work with another connection, which `beside` runs, while this one reads the rest.
    fn divided(
        &mut self,
        tx: &mut PgConnection,
        work: &Work,
        beside: impl FnOnce(Box<dyn FnOnce(&mut PgConnection) -> Result<()> + '_>) -> Result<()> + Send,
    ) -> Result<()> {
        let snapshot: String = diesel::select(Literal::<Text>::new("pg_export_snapshot()")).get_result(tx)?;
        // If this side fails, the other one cannot send and ends too.
        let (send, received) = sync_channel::<Vec<Fact>>(MOST_QUEUED);
        let read = move |db: &mut PgConnection| {
            db.build_transaction().repeatable_read().read_only().run(|tx| {
                tx.batch_execute(&format!("SET TRANSACTION SNAPSHOT '{snapshot}'; {FOR_MANY_FACTS}"))?;
                work.read(tx, &mut |_, facts| send.send(facts).map_err(Problem::internal))
            })
        };
        thread::scope(|scope| {
            let name = "mesa-statistics".to_owned();
            let other = thread::Builder::new().name(name).spawn_scoped(scope, || beside(Box::new(read)));
            let other = other.map_err(Problem::internal)?;
            self.receipts(tx)?;
            self.surveys(tx)?;
            for facts in received {
                self.facts(tx, facts.into_iter())?;
            }
            other.join().map_err(|_| Problem::internal("the second reader of statistics panicked"))?
        })
    }

    /// The tickets that were received, closed or archived in the period, each once.
    fn receipts(&mut self, tx: &mut PgConnection) -> Result<()> {
        type Columns = (
            OriginColumns,
            (Maybe<Text>, Maybe<Timestamptz>, Maybe<Timestamptz>, Maybe<Double>),
            (Bool, Maybe<Timestamptz>, Maybe<Text>),
        );
        type Row = (
            OriginRow,
            (Option<AttentionState>, Option<PgTimestamp>, Option<PgTimestamp>, Option<f64>),
            (bool, Option<PgTimestamp>, Option<ArchiveReason>),
        );
        let (period, now) = (self.period, self.now);
        // The clock of a ticket that waits may be paused: its state is in the ticket itself.
        let Some((before, after)) = ATTENTION.split_once("$now") else { return Ok(()) };
        let tickets_by = |select: Statement<'static>, column: &str| {
            let select = select.sql(format!(
                "SELECT f.ticket_id, f.received_at, f.criticality, f.channel, f.unit_id, f.category_id, \
                 f.over_at IS NOT NULL, CASE WHEN f.attended_at IS NULL AND f.archive_reason IS NULL THEN (SELECT {before}"
            ));
            let select = select.bind::<Timestamptz, _>(now).sql(format!(
                "{after} FROM tickets t WHERE t.id = f.ticket_id) END, f.attended_at, f.due_at, \
                 f.attended_working_minutes, f.solved, f.over_at, f.archive_reason FROM ticket_facts f WHERE "
            ));
            within(select, column, period)
        };
        let select = tickets_by(Statement::new(""), "f.received_at");
        let select = tickets_by(select.sql(" UNION ALL "), "f.over_at");
        let select = select.sql(" AND f.received_at < ").bind::<Timestamptz, _>(period.0);
        read_in_pieces::<Columns, Row>(tx, "receipts", select, |_, rows| {
            for (origin, (waiting, attended_at, due_at, working), (solved, over_at, archive_reason)) in rows {
                let (id, origin) = origin_of(origin);
                let (attended_at, over_at) = (attended_at.map(|at| at.0), over_at.map(|at| at.0));
                let in_time = due_at.zip(attended_at).is_some_and(|(due, attended)| attended <= due.0);
                let attended = if in_time { AttentionState::InTime } else { AttentionState::Late };
                self.fold.receipt(&Receipt {
                    id,
                    origin,
                    attention: attended_at.map_or(waiting, |_| Some(attended)),
                    attended_at,
                    attended_working_minutes: working,
                    solved,
                    closed_at: over_at.filter(|_| archive_reason.is_none()),
                    archived_at: over_at.filter(|_| archive_reason.is_some()),
                    archive_reason,
                });
            }
            Ok(())
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
    pub(super) fn facts(&mut self, tx: &mut PgConnection, facts: impl Iterator<Item = Fact>) -> Result<()> {
        for fact in facts {
            if !self.fold.fact(&fact) {
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
            let rows: Vec<OriginRow> = Statement::typed::<OriginColumns>(format!(
                "SELECT {ORIGIN} FROM tickets t WHERE t.id = ANY("
            ))
            .bind::<Array<BigInt>, _>(some.to_vec())
            .sql(")")
            .load(tx)?;
            for row in rows {
                let (id, origin) = origin_of(row);
                self.fold.ticket(id, &origin);
            }
        }
        for fact in pending {
            self.fold.fact(&fact);
        }
        Ok(())
    }
}

/// Adds the condition that a time is in the period.
pub(super) fn within(
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
