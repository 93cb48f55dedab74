//! The places of the entries of a timeline: which ones the reader sees, in one order.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{EntryType, shown};
use crate::http::Actor;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a timeline.
    pub enum TimelineSort {
        Ascending = "occurred_at",
        Descending = "-occurred_at",
    }
}

/// The place of an entry.
#[derive(QueryableByName)]
pub struct Place {
    /// The rank of its type among the entries with the same time.
    #[diesel(sql_type = SmallInt)]
    pub rank: i16,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
}

/// The reader of a timeline, and what they may see.
pub struct Reader {
    ticket_id: i64,
    user_id: Uuid,
    types: Vec<(EntryType, Source)>,
}

/// The table, its time column, and the condition on the rows that the reader may see. `$1` is the ticket, `$2` the
/// reader, `$3` the kinds of events that requesters see.
type Source = (&'static str, &'static str, &'static str);

/// The source of the entries of a type; `None` if the reader may not see any of them.
fn source(entry: EntryType, staff: bool) -> Option<Source> {
    let for_requesters = match entry {
        EntryType::Event => Some(" AND kind = ANY($3)"),
        EntryType::Escalation => None,
        EntryType::Followup => Some(" AND visibility = 'public'"),
        // Looked up by the followup's key for each file: for an EXISTS PostgreSQL may read all followups instead.
        EntryType::Attachment => Some(
            " AND CASE WHEN followup_id IS NULL THEN true \
                  ELSE (SELECT f.visibility = 'public' FROM followups f WHERE f.id = entry.followup_id) END",
        ),
        EntryType::Message => Some(" AND recipient_id = $2"),
    };
    let shown = if staff { "" } else { for_requesters? };
    Some(match entry {
        EntryType::Event => ("events", "at", shown),
        EntryType::Escalation => ("escalations", "created_at", shown),
        EntryType::Followup => ("followups", "created_at", shown),
        EntryType::Attachment => ("attachments", "created_at", shown),
        EntryType::Message => ("messages", "created_at", shown),
    })
}

impl Reader {
    /// `wanted`: the types to show; all if empty.
    pub fn new(actor: &Actor, ticket_id: i64, wanted: &[EntryType]) -> Self {
        let types = EntryType::ALL.iter().copied();
        let types = types.filter(|entry| wanted.is_empty() || wanted.contains(entry));
        let types = types.filter_map(|entry| Some((entry, source(entry, actor.reads_private())?))).collect();
        Reader { ticket_id, user_id: actor.id, types }
    }

    /// The places of a page. Each table is read by its index from the start of the page, and at most one page of it,
    /// so that the cost of a page does not depend on its depth.
    pub fn page(
        &self,
        db: &mut PgConnection,
        sort: TimelineSort,
        after: Option<(DateTime<Utc>, (i16, Uuid))>,
        rows: i64,
    ) -> Result<Vec<Place>> {
        let (order, beyond) = match sort {
            TimelineSort::Ascending => ("ASC", ">"),
            TimelineSort::Descending => ("DESC", "<"),
        };
        let seek = |time: &str, rank: i16| match after {
            None => String::new(),
            Some(_) => format!(
                " AND {time} {beyond}= $5 \
                 AND ({time} {beyond} $5 OR {rank} {beyond} $6 OR ({rank} = $6 AND id {beyond} $7))"
            ),
        };
        let each = self.branches(|rank, (table, time, shown)| {
            format!(
                "(SELECT {rank}::smallint AS rank, {time} AS at, id FROM {table} AS entry \
                  WHERE ticket_id = $1{shown}{} ORDER BY {time} {order}, id {order} LIMIT $4)",
                seek(time, rank)
            )
        });
        let Some(each) = each else { return Ok(Vec::new()) };
        let page = format!(
            "SELECT rank, id FROM ({each}) AS entries ORDER BY at {order}, rank {order}, id {order} LIMIT $4"
        );
        let (at, (rank, id)) = after.unwrap_or_default();
        let page = self
            .bound(page)
            .bind::<BigInt, _>(rows)
            .bind::<Timestamptz, _>(at)
            .bind::<SmallInt, _>(rank)
            .bind::<SqlUuid, _>(id);
        Ok(page.load(db)?)
    }

    /// The number of entries.
    pub fn count(&self, db: &mut PgConnection) -> Result<i64> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let each = self.branches(|_, (table, _, shown)| {
            format!("(SELECT count(*) AS n FROM {table} AS entry WHERE ticket_id = $1{shown})")
        });
        let Some(each) = each else { return Ok(0) };
        let total = self.bound(format!("SELECT sum(n)::bigint AS count FROM ({each}) AS counts"));
        Ok(total.get_result::<Count>(db)?.count)
    }

    fn branches(&self, branch: impl Fn(i16, Source) -> String) -> Option<String> {
        let branches: Vec<String> =
            self.types.iter().map(|(entry, source)| branch(*entry as i16, *source)).collect();
        (!branches.is_empty()).then(|| branches.join(" UNION ALL "))
    }

    fn bound(&self, query: String) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        diesel::sql_query(query)
            .into_boxed::<Pg>()
            .bind::<BigInt, _>(self.ticket_id)
            .bind::<SqlUuid, _>(self.user_id)
            .bind::<Array<Text>, _>(shown::kinds())
    }
}
