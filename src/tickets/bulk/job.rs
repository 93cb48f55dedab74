//! More operations than a request carries out: the rest of the work is a job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Json, Uuid as SqlUuid};
use serde_json::{Value, json};

use super::model::{BulkOperation, BulkResult};
use super::{Bulk, lock, operation};
use crate::db::schema::job_operations as rows;
use crate::http::credential::Proof;
use crate::http::desk::{Desk, Phase};
use crate::http::schemas::Schemas;
use crate::http::{Actor, Answer};
use crate::jobs::held::{Held, Progress};
use crate::jobs::job::JobKind;
use crate::jobs::queue::{self, NewJob};
use crate::language::locale::Locale;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::steps::Setting;

/// How many operations of a job are carried out in one transaction: a canceled job and the tickets of these operations wait
/// for its end.
const AT_ONCE: i64 = 20;

/// How long a job is carried out before others have their turn.
const TURN: Duration = Duration::from_secs(2);

/// Queues these operations.
///
/// # Errors
/// A 422 for `atomic`, since a job commits as it goes; a 409 if the account has too many jobs.
pub fn queue(
    tx: &mut PgConnection,
    actor: &Actor,
    (proof, locale): (Proof, Locale),
    operations: &[BulkOperation],
    atomic: bool,
) -> Result<Answer> {
    if atomic {
        let detail = Text::new(
            "Un trabajo no puede ser `atomic`; envíe hasta 100 operaciones sin `Prefer: respond-async`.",
            "A job cannot be `atomic`; send up to 100 operations without `Prefer: respond-async`.",
        );
        return Err(Problem::field(FieldError::new("/atomic", FieldCode::NotAllowed, detail)));
    }
    let total = i32::try_from(operations.len()).map_err(Problem::internal)?;
    let job = NewJob { kind: JobKind::TicketBulk, proof, locale, parameters: json!({}), total: Some(total) };
    let job = job.create(tx, actor)?;
    let operations = serde_json::to_value(operations).map_err(Problem::internal)?;
    diesel::sql_query(
        "INSERT INTO job_operations (job_id, position, operation) \
         SELECT $1, place - 1, operation FROM json_array_elements($2) WITH ORDINALITY AS each (operation, place)",
    )
    .bind::<SqlUuid, _>(job.id)
    .bind::<Json, _>(operations)
    .execute(tx)?;
    queue::accepted(job)
}

/// Carries out the operations that have no result. Each transaction has the results of its operations, so that none is
/// carried out twice.
///
/// # Errors
/// Of the server; a 401 or a 403 if the owner may do nothing of this any more.
pub async fn run(desk: Data<Desk>, schemas: Arc<Schemas>, held: Arc<Held>) -> Result<()> {
    let began = Instant::now();
    loop {
        let (held, schemas, of_job) = (Arc::clone(&held), Arc::clone(&schemas), desk.clone());
        let makes_way = desk.phase() == Phase::Stopping || began.elapsed() > TURN;
        let chunk = move |tx: &mut PgConnection| match makes_way {
            true => held.give_back(tx).map(|()| false),
            false => chunk(tx, of_job, schemas, &held),
        };
        let goes_on = desk.db.run_long(|db| db.transaction(chunk)).await?;
        desk.written.notify_one();
        if !goes_on {
            return Ok(());
        }
    }
}

/// Carries out the next operations; returns whether to go on.
fn chunk(tx: &mut PgConnection, desk: Data<Desk>, schemas: Arc<Schemas>, held: &Held) -> Result<bool> {
    if !held.lock(tx)? {
        return Ok(false);
    }
    let timezone = desk.config.timezone;
    let next: Vec<(i32, Option<Value>)> = rows::table
        .filter(rows::job_id.eq(held.id))
        .filter(rows::result.is_null())
        .order(rows::position)
        // After a fault one by one: what precedes the operation at fault is carried out.
        .limit(if held.has_failed() { 1 } else { AT_ONCE })
        .select((rows::position, rows::operation))
        .load(tx)?;
    if next.is_empty() {
        held.succeed(tx)?;
        return Ok(false);
    }
    let owner = held.owner(tx, &operation::ACTIONS, timezone)?;
    let (positions, operations): (Vec<i32>, Vec<Option<Value>>) = next.into_iter().unzip();
    let operations: Vec<BulkOperation> =
        serde_json::from_value(operations.into_iter().flatten().collect()).map_err(Problem::internal)?;
    lock(tx, &owner, &operations)?;
    let bulk = Bulk::new(Setting { desk, locale: held.locale }, schemas, false);
    let results = bulk.results(tx, &owner, operations)?;
    let refused = results.iter().filter(|result| result.is_refused()).count();
    let (done, refused) = (i32::try_from(results.len()), i32::try_from(refused));
    let progress =
        Progress { done: done.map_err(Problem::internal)?, refused: refused.map_err(Problem::internal)? };
    record(tx, held, positions, results)?;
    held.progress(tx, &progress)?;
    Ok(true)
}

/// The operations give way to their results.
fn record(tx: &mut PgConnection, held: &Held, positions: Vec<i32>, results: Vec<BulkResult>) -> Result<()> {
    let mut kept = Vec::with_capacity(results.len());
    for result in results {
        kept.push(serde_json::to_value(result.kept()?).map_err(Problem::internal)?);
    }
    diesel::sql_query(
        "UPDATE job_operations o SET operation = NULL, result = done.result \
         FROM unnest($2, $3) AS done (position, result) WHERE o.job_id = $1 AND o.position = done.position",
    )
    .bind::<SqlUuid, _>(held.id)
    .bind::<Array<Integer>, _>(positions)
    .bind::<Array<Json>, _>(kept)
    .execute(tx)?;
    Ok(())
}
