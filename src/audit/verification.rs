//! Whether the history is whole: verified a batch of tickets at a time, and answered as it is found.

use actix_web::http::header::ContentEncoding;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::policy::Action;
use crate::db::text_enum;
use crate::desk::Desk;
use crate::http::{Call, Query};
use crate::problem::{Problem, Result};

/// How many tickets are verified at once.
const BATCH: i64 = 500;

/// What to verify.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationScope {
    /// One ticket; all where it is left out.
    #[param(minimum = 1)]
    ticket_id: Option<i64>,
}

/// What the verification found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says in the contract what `written` writes piece by piece")]
pub struct Verification {
    /// Every place where the history does not hold, by ticket and place.
    broken: Vec<Break>,
    /// How many tickets were verified.
    #[schema(minimum = 0)]
    tickets: i64,
    /// How many events they have.
    #[schema(minimum = 0)]
    events: i64,
    /// How many of them had personal data taken out, by law. What those tell is not verified any more; all else of them is.
    #[schema(minimum = 0)]
    redacted: i64,
    /// Whether `broken` is empty.
    whole: bool,
}

text_enum! {
    /// Why a history does not hold.
    pub enum BreakReason {
        /// The event is not what was written: its hash is not the one over what it says now; or it is redacted and its
        /// requester was never made anonymous.
        Hash = "hash",
        /// It does not carry the hash of the event before it, or it is the last one and not the one that was written.
        Link = "link",
        /// Events between this one and the one before it are gone.
        Gap = "gap",
        /// Events from this place on are gone; at 0, the ticket itself.
        Missing = "missing",
        /// It was put after the last event that was written.
        Added = "added",
    }
}

/// A place where a history does not hold.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct Break {
    #[diesel(sql_type = BigInt)]
    #[schema(example = 123)]
    ticket_id: i64,
    /// The place in the history of the ticket.
    #[diesel(sql_type = Integer)]
    #[schema(minimum = 0, example = 4)]
    seq: i32,
    #[diesel(sql_type = Text)]
    reason: BreakReason,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    tickets: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    redacted: i64,
}

/// Tickets by number, after `after` and up to `last`.
#[derive(Clone, Copy)]
struct Span {
    after: i64,
    last: i64,
}

/// What one batch found.
struct Batch {
    span: Span,
    broken: Vec<Break>,
    counted: Counted,
}

/// Verify the history
///
/// Reckons the hash of every event again, follows the chain, and holds its end against what the desk keeps of each
/// ticket's last event, so that what was changed, taken out, cut off or put in is found and named. A ticket that does not
/// exist is a 404.
///
/// The answer is one JSON document, written while the tickets are verified in the order of their numbers: `broken` comes
/// first and `whole` last. What goes wrong midway breaks the answer off, so that it is no JSON: only a document that is
/// complete says anything. Each batch of tickets is seen as it is at one moment, different batches at different moments;
/// nobody's work waits for it, and what is written meanwhile is no break.
#[utoipa::path(
    tag = "history", operation_id = "verifyHistory", params(VerificationScope),
    responses((status = 200, body = Verification), (status = 404, description = "`not_found`: no such ticket"))
)]
#[get("/audit/verification")]
pub async fn verify(call: Call, query: Query<VerificationScope>) -> Result<HttpResponse> {
    // The first batch is verified before the answer begins, so that whatever is wrong with the request is a problem.
    let first = call.check(Action::VerifyAudit, |db, _| {
        let VerificationScope { ticket_id } = query.read()?;
        let batch = match ticket_id {
            Some(id) => verified(db, Span { after: id - 1, last: id })?,
            None => next(db, 0)?,
        };
        let goes_on = ticket_id.is_none() && batch.span.last < i64::MAX;
        match ticket_id {
            Some(_) if batch.counted.tickets == 0 && batch.broken.is_empty() => Err(Problem::not_found()),
            _ => Ok((batch, goes_on)),
        }
    });
    let (batch, goes_on) = first.await?;
    let state =
        State { desk: call.desk, verification: Written::default(), next: Next::Batch(batch, goes_on) };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        // A compressor would hold back what tells the client that the work goes on.
        .insert_header(ContentEncoding::Identity)
        .streaming(stream::try_unfold(state, State::step)))
}

/// What is still to be written.
enum Next {
    /// A batch that is verified, and whether there are more tickets.
    Batch(Batch, bool),
    /// The tickets after this one.
    After(i64),
    Nothing,
}

struct State {
    desk: Data<Desk>,
    verification: Written,
    next: Next,
}

impl State {
    /// One piece of the document. A connection is held for one batch alone.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        let (batch, goes_on) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Batch(batch, goes_on) => (batch, goes_on),
            Next::After(id) => {
                let verified = self.desk.db.run(move |db| next(db, id)).await;
                let batch = verified.inspect_err(|problem| {
                    log::error!("a verification broke off: {}", problem.log_line());
                })?;
                let goes_on = batch.span.last < i64::MAX;
                (batch, goes_on)
            }
        };
        let mut piece = self.verification.add(&batch)?;
        if goes_on {
            self.next = Next::After(batch.span.last);
        } else {
            piece.push_str(&self.verification.end());
        }
        Ok(Some((piece.into(), self)))
    }
}

/// The document as far as it is written.
#[derive(Default)]
struct Written {
    begun: bool,
    broken: bool,
    tickets: i64,
    events: i64,
    redacted: i64,
}

impl Written {
    /// The breaks of a batch; a line end where there are none, so that the client sees that the work goes on.
    fn add(&mut self, batch: &Batch) -> Result<String> {
        let mut piece = String::new();
        if !self.begun {
            piece.push_str("{\"broken\":[");
            self.begun = true;
        }
        for found in &batch.broken {
            if self.broken {
                piece.push(',');
            }
            piece.push_str(&serde_json::to_string(found).map_err(Problem::internal)?);
            self.broken = true;
        }
        piece.push('\n');
        self.tickets += batch.counted.tickets;
        self.events += batch.counted.events;
        self.redacted += batch.counted.redacted;
        Ok(piece)
    }

    fn end(&self) -> String {
        let Written { broken, tickets, events, redacted, .. } = self;
        format!("],\"tickets\":{tickets},\"events\":{events},\"redacted\":{redacted},\"whole\":{}}}", !broken)
    }
}

/// What verifying all tickets found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub tickets: i64,
    pub events: i64,
    /// In how many places the history does not hold.
    pub broken: usize,
}

/// Verifies all tickets, batch by batch.
///
/// # Errors
/// What the database answers.
pub fn whole(db: &mut PgConnection) -> Result<Whole> {
    let (mut whole, mut after) = (Whole::default(), 0);
    while after < i64::MAX {
        let batch = next(db, after)?;
        whole.tickets += batch.counted.tickets;
        whole.events += batch.counted.events;
        whole.broken += batch.broken.len();
        after = batch.span.last;
    }
    Ok(whole)
}

/// Verifies the tickets that come next. The last batch has no end, so that nothing after it is passed over.
fn next(db: &mut PgConnection, after: i64) -> Result<Batch> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let last: Option<Last> = diesel::sql_query(
        "SELECT id FROM ( \
             (SELECT id FROM tickets WHERE id > $1 ORDER BY id LIMIT $2) \
             UNION (SELECT ticket_id FROM histories WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2)) AS known \
         ORDER BY id OFFSET $2 - 1 LIMIT 1",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(BATCH)
    .get_result(db)
    .optional()?;
    verified(db, Span { after, last: last.map_or(i64::MAX, |last| last.id) })
}

/// Verifies a batch as it is at one moment.
fn verified(db: &mut PgConnection, span: Span) -> Result<Batch> {
    db.build_transaction().read_only().repeatable_read().run(|tx| {
        let broken = diesel::sql_query(
            "SELECT ticket_id, seq, reason FROM ( \
                 SELECT e.ticket_id, e.seq, CASE \
                     WHEN e.seq <> coalesce(lag(e.seq) OVER chain, 0) + 1 THEN 'gap' \
                     WHEN e.hash <> event_hash(e) OR CASE WHEN e.data_salt IS NULL \
                         THEN a.user_id IS NULL ELSE e.data_digest <> event_digest(e) END THEN 'hash' \
                     WHEN e.previous_hash IS DISTINCT FROM lag(e.hash) OVER chain THEN 'link' \
                     WHEN e.seq > coalesce(h.events, 0) THEN 'added' \
                     WHEN e.seq = h.events AND e.hash <> h.hash THEN 'link' \
                 END AS reason \
                 FROM events e LEFT JOIN histories h ON h.ticket_id = e.ticket_id \
                 LEFT JOIN tickets t ON t.id = e.ticket_id LEFT JOIN anonymizations a ON a.user_id = t.requester_id \
                 WHERE e.ticket_id > $1 AND e.ticket_id <= $2 \
                 WINDOW chain AS (PARTITION BY e.ticket_id ORDER BY e.seq)) AS chains \
             WHERE reason IS NOT NULL \
             UNION ALL \
             SELECT coalesce(t.id, h.ticket_id), CASE WHEN t.id IS NULL THEN 0 ELSE coalesce(e.seq, 0) + 1 END, \
                    'missing' \
             FROM (SELECT id FROM tickets WHERE id > $1 AND id <= $2) AS t \
             FULL JOIN (SELECT * FROM histories WHERE ticket_id > $1 AND ticket_id <= $2) AS h ON h.ticket_id = t.id \
             LEFT JOIN LATERAL (SELECT max(seq) AS seq FROM events \
                                WHERE ticket_id = coalesce(t.id, h.ticket_id)) AS e ON true \
             WHERE t.id IS NULL OR coalesce(h.events, 1) > coalesce(e.seq, 0) \
             ORDER BY 1, 2",
        )
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.last)
        .load(tx)?;
        let counted = diesel::sql_query(
            "SELECT (SELECT count(*) FROM tickets WHERE id > $1 AND id <= $2) AS tickets, \
                    count(*) AS events, count(*) FILTER (WHERE data_salt IS NULL) AS redacted \
             FROM events WHERE ticket_id > $1 AND ticket_id <= $2",
        )
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.last)
        .get_result(tx)?;
        Ok(Batch { span, broken, counted })
    })
}
