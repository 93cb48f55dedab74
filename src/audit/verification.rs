//! Whether the history is whole.

use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::policy::Action;
use crate::http::{Answer, Call, Query};
use crate::problem::Result;

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
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// Whether every event carries the right hash over itself and the one before it, and none is missing.
    whole: bool,
    #[schema(minimum = 0)]
    tickets: i64,
    #[schema(minimum = 0)]
    events: i64,
    /// The first hundred places where the chain does not hold.
    broken: Vec<Break>,
}

/// A place where the chain does not hold.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct Break {
    #[diesel(sql_type = BigInt)]
    ticket_id: i64,
    #[diesel(sql_type = Integer)]
    seq: i32,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    tickets: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// Verify the history
///
/// Reckons the hash of every event again. A ticket without a history is a break at 1.
#[utoipa::path(
    tag = "history", operation_id = "verifyHistory", params(VerificationScope),
    responses((status = 200, body = Verification))
)]
#[get("/audit/verification")]
pub async fn verify(call: Call, query: Query<VerificationScope>) -> Result<HttpResponse> {
    call.read(Action::VerifyAudit, |db, _| {
        let VerificationScope { ticket_id } = query.read()?;
        let broken: Vec<Break> = diesel::sql_query(
            "SELECT ticket_id, seq FROM ( \
                 SELECT e.ticket_id, e.seq, \
                        e.hash = event_hash(e) \
                        AND e.seq = row_number() OVER chain \
                        AND e.previous_hash IS NOT DISTINCT FROM lag(e.hash) OVER chain AS holds \
                 FROM events e WHERE $1 IS NULL OR e.ticket_id = $1 \
                 WINDOW chain AS (PARTITION BY e.ticket_id ORDER BY e.seq)) AS chains \
             WHERE NOT holds \
             UNION ALL \
             SELECT t.id, 1 FROM tickets t \
             WHERE ($1 IS NULL OR t.id = $1) AND NOT EXISTS (SELECT FROM events e WHERE e.ticket_id = t.id) \
             ORDER BY 1, 2 LIMIT 100",
        )
        .bind::<Nullable<BigInt>, _>(ticket_id)
        .load(db)?;
        let counted: Counted = diesel::sql_query(
            "SELECT count(DISTINCT ticket_id) AS tickets, count(*) AS events FROM events \
             WHERE $1 IS NULL OR ticket_id = $1",
        )
        .bind::<Nullable<BigInt>, _>(ticket_id)
        .get_result(db)?;
        Answer::ok(&Verification {
            whole: broken.is_empty(),
            tickets: counted.tickets,
            events: counted.events,
            broken,
        })
    })
    .await
}
