//! Several operations on tickets in one request.

pub mod job;
mod model;
mod operation;

use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text as SqlText, Uuid as SqlUuid};
use serde_json::Value;
use utoipa::IntoParams;

use self::model::{BulkOperation, BulkResult, TicketBulk, TicketBulkCreate};
use self::operation::TicketOperation;
use super::register::{self, Refused};
use super::staff_calls;
use super::steps::Setting;
use crate::http::body::AnyBody;
use crate::http::schemas::Schemas;
use crate::http::{Actor, Answer, Body, Call};
use crate::jobs::job::Job;
use crate::problem::{Code, FieldError, FieldPlace, Problem, Result};

/// Carry out several operations on tickets
///
/// Up to 100 registrations, steps, followups, corrections and imports in one request and one transaction, in their order: each has the
/// rules, the events and the messages of its own operation, its own `if_match` and its own result, and sees what those before
/// it did. An element of `operations` has one property with the name of the operation; its value is the body that the operation's
/// own path takes, and is checked when the operation is carried out:
///
/// | operation | the same as |
/// |---|---|
/// | `create` | `POST /tickets` |
/// | `update` | `PATCH /tickets/{ticket_id}` |
/// | `followup` | `POST /tickets/{ticket_id}/followups` |
/// | `classification`, `assignment`, `acceptance`, `rescheduling`, `return`, `hold`, `information_request`, `resumption`, `solution`, `closure`, `reopening`, `archive`, `resubmission`, `merge` | `POST /tickets/{ticket_id}/…`, a path of this name (`information-request`) |
/// | `escalation` | `POST /tickets/{ticket_id}/escalations` |
/// | `import` | `POST /tickets/imports` |
///
/// Without `atomic` the response is a 200 although operations were refused: look at each `status`. With `atomic: true` the first
/// one that is refused ends the request with its problem, `operation_index` names it, and nothing was done. The request counts
/// once for the rate limit, and an `Idempotency-Key` covers all of it.
///
/// Between 101 and 1,000 operations, or fewer with the header `Prefer: respond-async`, become a job: the response is a 202, and
/// `GET /jobs/{job_id}` has its progress and `GET /jobs/{job_id}/results` the result of each operation. A job commits as it
/// goes, with the permissions that its owner has at that time, and cannot be `atomic`. A body has up to 1 MiB.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(operation::ACTIONS)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "createTicketBulk", params(Preference), request_body = TicketBulkCreate,
    responses(
        (status = 200, body = TicketBulk, description = "The results of the operations"),
        (status = 202, body = Job, description = "The job that carries out the operations"),
        (status = 409, description = "`too_many_jobs`: the account has 20 jobs that have not ended. With `atomic`: the problem of the operation `operation_index`, as the operation itself has it"),
    )
)]
#[post("/tickets/bulk")]
pub async fn carry_out(call: Call, body: Body<TicketBulkCreate>) -> Result<HttpResponse> {
    let setting = Setting::of(&call);
    let desk = setting.desk.clone();
    let (proof, is_async) = (call.credential().proof, call.prefers_async());
    let answer = call.write(body, move |tx, actor, body| {
        let schemas = body.schemas();
        let TicketBulkCreate { operations, atomic } = body.read()?;
        if is_async || operations.len() > MOST_AT_ONCE {
            return job::queue(tx, actor, (proof, setting.locale), &operations, atomic);
        }
        lock(tx, actor, &operations)?;
        let results = Bulk::new(setting, schemas, atomic).results(tx, actor, operations)?;
        Answer::ok(&TicketBulk { results })
    });
    let answer = answer.await;
    if let Err(problem) = &answer
        && problem.code == Code::NobodyAvailable
        && let Some(ticket_id) = problem.members.get("ticket_id").and_then(Value::as_i64)
    {
        // In a separate transaction, as all of this one was rolled back.
        desk.db.run(move |db| staff_calls::call_for_unassigned(db, ticket_id)).await?;
    }
    answer
}

/// How many operations a request carries out itself.
const MOST_AT_ONCE: usize = 100;

/// When the client wants the response.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "declares in the contract what `Call::prefers_async` reads")]
pub struct Preference {
    /// `respond-async`: the operations become a job, however many there are (RFC 7240). Others are ignored.
    #[param(rename = "Prefer", required = false, max_length = 200)]
    prefer: Option<String>,
}

/// Locks the tickets in the order of their numbers, so that two requests do not wait for each other. A requester does not hold up
/// the tickets of others.
fn lock(tx: &mut PgConnection, actor: &Actor, operations: &[BulkOperation]) -> Result<()> {
    let ids: Vec<i64> = operations.iter().flat_map(BulkOperation::tickets).collect();
    let (external_ids, sources): (Vec<&str>, Vec<&str>) =
        operations.iter().filter_map(BulkOperation::imported).unzip();
    // A single ticket too: an operation before its own may lock people.
    if operations.len() > 1 && ids.len() + external_ids.len() > 0 {
        let own = (!actor.is_staff()).then_some(actor.id);
        diesel::sql_query(
            "SELECT FROM tickets WHERE id = ANY (ARRAY( \
                 SELECT unnest($1) UNION SELECT t.id FROM unnest($3, $4) AS named (id, source) \
                 JOIN tickets t ON t.external_id = named.id AND t.external_source = named.source AND t.imported_at IS NOT NULL)) \
             AND ($2 IS NULL OR requester_id = $2) ORDER BY id FOR UPDATE",
        )
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Nullable<SqlUuid>, _>(own)
        .bind::<Array<SqlText>, _>(external_ids)
        .bind::<Array<SqlText>, _>(sources)
        .execute(tx)?;
    }
    Ok(())
}

struct Bulk {
    setting: Setting,
    schemas: Arc<Schemas>,
    atomic: bool,
    began: Instant,
}

impl Bulk {
    fn new(setting: Setting, schemas: Arc<Schemas>, atomic: bool) -> Self {
        Bulk { setting, schemas, atomic, began: Instant::now() }
    }

    fn results(
        self,
        tx: &mut PgConnection,
        actor: &Actor,
        operations: Vec<BulkOperation>,
    ) -> Result<Vec<BulkResult>> {
        let mut results = Vec::with_capacity(operations.len());
        let are_registrations = |one: &BulkOperation, next: &BulkOperation| {
            [one, next].iter().all(|each| each.registration().is_some())
        };
        for run in operations.chunk_by(are_registrations) {
            self.run(tx, actor, run, &mut results)?;
        }
        Ok(results)
    }

    /// Carries out a run of registrations together, which costs far less than one by one, or a single operation.
    fn run(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        mut rest: &[BulkOperation],
        results: &mut Vec<BulkResult>,
    ) -> Result<()> {
        while rest.len() > 1 {
            let refused = match self.register_all(tx, actor, rest) {
                Ok(written) => {
                    results.extend(written);
                    return Ok(());
                }
                Err(refused) => refused,
            };
            let Refused { index, problem } = refused;
            if problem.code.status().is_server_error() {
                return Err(problem);
            }
            // Refused by the database: the operation at fault is found one by one.
            let Some(index) = index else { break };
            if self.atomic {
                return Err(at(problem, results.len() + index, Some(TicketOperation::Create), None));
            }
            // Those before it together; it has a result of its own.
            let (before, [at_fault, after @ ..]) = rest.split_at(index) else { break };
            match self.register_all(tx, actor, before) {
                Ok(written) => results.extend(written),
                Err(Refused { problem, .. }) if problem.code.status().is_server_error() => {
                    return Err(problem);
                }
                Err(_) => self.one_by_one(tx, actor, before, results)?,
            }
            self.one_by_one(tx, actor, std::slice::from_ref(at_fault), results)?;
            rest = after;
        }
        self.one_by_one(tx, actor, rest, results)
    }

    /// Writes these registrations together, or nothing of them.
    fn register_all(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        operations: &[BulkOperation],
    ) -> std::result::Result<Vec<BulkResult>, Refused> {
        let register = |savepoint: &mut PgConnection| {
            let permission = self.schemas.permission(TicketOperation::Create.as_request())?;
            let actor = actor.for_another(permission, None, self.began.elapsed())?;
            let bodies = operations.iter().filter_map(BulkOperation::registration);
            let bodies = bodies.map(|body| AnyBody::new(body.clone(), &self.schemas).typed());
            let answers = register::apply_all(savepoint, &actor, &self.setting, bodies)?;
            let results =
                answers.into_iter().map(|answer| BulkResult::done(Some(TicketOperation::Create), answer));
            Ok(results.collect::<Result<Vec<_>>>()?)
        };
        tx.transaction(register)
    }

    fn one_by_one(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        operations: &[BulkOperation],
        results: &mut Vec<BulkResult>,
    ) -> Result<()> {
        for operation in operations {
            let index = results.len();
            let (what, ticket_id) = (operation.kind(), operation.ticket_id);
            // Nothing of an operation that is refused remains.
            let done = match self.atomic {
                true => self.one(tx, actor, operation.clone()),
                false => tx.transaction(|savepoint| self.one(savepoint, actor, operation.clone())),
            };
            results.push(match done {
                Ok(answer) => BulkResult::done(what, answer)?,
                Err(problem) if problem.code.status().is_server_error() => return Err(problem),
                Err(problem) if self.atomic => return Err(at(problem, index, what, ticket_id)),
                Err(problem) => {
                    if let (Some(TicketOperation::Assignment), Code::NobodyAvailable, Some(id)) =
                        (what, problem.code, ticket_id)
                    {
                        staff_calls::call_for_unassigned(tx, id)?;
                    }
                    BulkResult::refused(problem.document(self.setting.locale, None))
                }
            });
        }
        Ok(())
    }

    fn one(&self, tx: &mut PgConnection, actor: &Actor, wanted: BulkOperation) -> Result<Answer> {
        let BulkOperation { ticket_id, if_match, bodies } = wanted;
        let (operation, body) = model::only(bodies)?;
        let permission = self.schemas.permission(operation.as_request())?;
        let actor = actor.for_another(permission, if_match, self.began.elapsed())?;
        let body = AnyBody::new(body, &self.schemas);
        operation.apply(tx, &actor, &self.setting, ticket_id, body)
    }
}

/// The problem of an operation as that of the whole request.
fn at(mut problem: Problem, index: usize, what: Option<TicketOperation>, ticket_id: Option<i64>) -> Problem {
    problem.members.insert("operation_index".to_owned(), index.into());
    if problem.code == Code::NobodyAvailable
        && let Some(id) = ticket_id
    {
        problem.members.insert("ticket_id".to_owned(), id.into());
    }
    let within = |error: FieldError| match (error.place, what) {
        (FieldPlace::Body, Some(what)) if error.pointer != "/ticket_id" => {
            FieldError { pointer: format!("/operations/{index}/{}{}", what.as_str(), error.pointer), ..error }
        }
        (FieldPlace::Body, _) => {
            FieldError { pointer: format!("/operations/{index}{}", error.pointer), ..error }
        }
        _ => error,
    };
    problem.errors = std::mem::take(&mut problem.errors).into_iter().map(within).collect();
    problem
}
