//! What a request for several operations contains, and its response.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::operation::TicketOperation;
use crate::http::Answer;
use crate::http::body::EmptyBody;
use crate::jobs::results::KeptResult;
use crate::problem::{FieldCode, FieldError, Problem, ProblemDocument, Result, Text};
use crate::tickets::escalations::{Escalation, EscalationCreate};
use crate::tickets::followups::{Followup, FollowupCreate};
use crate::tickets::imports::model::TicketImportCreate;
use crate::tickets::model::Ticket;
use crate::tickets::register::TicketCreate;
use crate::tickets::steps::accept::AcceptanceCreate;
use crate::tickets::steps::archive::ArchiveCreate;
use crate::tickets::steps::assign::AssignmentCreate;
use crate::tickets::steps::classify::ClassificationCreate;
use crate::tickets::steps::hold::HoldCreate;
use crate::tickets::steps::merge::MergeCreate;
use crate::tickets::steps::reopen::ReopeningCreate;
use crate::tickets::steps::request_information::InformationRequestCreate;
use crate::tickets::steps::reschedule::ReschedulingCreate;
use crate::tickets::steps::resubmit::ResubmissionCreate;
use crate::tickets::steps::return_ticket::ReturnCreate;
use crate::tickets::steps::solve::SolutionCreate;

/// Operations on tickets, carried out in their order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketBulkCreate {
    /// The operations: up to 100 for a response with their results, up to 1,000 for a job.
    #[schema(value_type = Vec<BulkOperationForm>, min_items = 1, max_items = 1000)]
    pub operations: Vec<BulkOperation>,
    /// Whether all are carried out or none. `false` if omitted: each has a result of its own. Not for a job.
    #[serde(default)]
    #[schema(required = false)]
    pub atomic: bool,
}

/// An operation as received.
#[derive(Clone, Deserialize, Serialize)]
pub struct BulkOperation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// The bodies by the names of the operations: one.
    #[serde(flatten)]
    pub bodies: Map<String, Value>,
}

/// One operation: `ticket_id` and one property with the name of the operation, whose value is its body.
#[derive(ToSchema)]
#[schema(as = BulkOperation)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "declares in the contract what `BulkOperation` reads")]
pub struct BulkOperationForm {
    /// Number of the ticket; required for all operations but `create` and `import`.
    #[schema(minimum = 1, example = 123, nullable = false)]
    ticket_id: Option<i64>,
    /// The `If-Match` of the operation: the `ETag` of the ticket that was read.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    if_match: Option<String>,
    /// The body of `POST /tickets`; without `ticket_id`.
    #[schema(nullable = false)]
    create: Option<TicketCreate>,
    #[schema(schema_with = correction, required = false)]
    update: (),
    /// The body of `POST /tickets/{ticket_id}/followups`.
    #[schema(nullable = false)]
    followup: Option<FollowupCreate>,
    /// The body of `POST /tickets/{ticket_id}/classification`.
    #[schema(nullable = false)]
    classification: Option<ClassificationCreate>,
    /// The body of `POST /tickets/{ticket_id}/assignment`.
    #[schema(nullable = false)]
    assignment: Option<AssignmentCreate>,
    /// The body of `POST /tickets/{ticket_id}/acceptance`.
    #[schema(nullable = false)]
    acceptance: Option<AcceptanceCreate>,
    /// The body of `POST /tickets/{ticket_id}/rescheduling`.
    #[schema(nullable = false)]
    rescheduling: Option<ReschedulingCreate>,
    /// The body of `POST /tickets/{ticket_id}/escalations`.
    #[schema(nullable = false)]
    escalation: Option<EscalationCreate>,
    /// The body of `POST /tickets/{ticket_id}/return`.
    #[schema(nullable = false)]
    r#return: Option<ReturnCreate>,
    /// The body of `POST /tickets/{ticket_id}/hold`.
    #[schema(nullable = false)]
    hold: Option<HoldCreate>,
    /// The body of `POST /tickets/{ticket_id}/information-request`.
    #[schema(nullable = false)]
    information_request: Option<InformationRequestCreate>,
    /// The body of `POST /tickets/{ticket_id}/resumption`.
    #[schema(nullable = false)]
    resumption: Option<EmptyBody>,
    /// The body of `POST /tickets/{ticket_id}/solution`.
    #[schema(nullable = false)]
    solution: Option<SolutionCreate>,
    /// The body of `POST /tickets/{ticket_id}/closure`.
    #[schema(nullable = false)]
    closure: Option<EmptyBody>,
    /// The body of `POST /tickets/{ticket_id}/reopening`.
    #[schema(nullable = false)]
    reopening: Option<ReopeningCreate>,
    /// The body of `POST /tickets/{ticket_id}/archive`.
    #[schema(nullable = false)]
    archive: Option<ArchiveCreate>,
    /// The body of `POST /tickets/{ticket_id}/resubmission`.
    #[schema(nullable = false)]
    resubmission: Option<ResubmissionCreate>,
    /// The body of `POST /tickets/{ticket_id}/merge`.
    #[schema(nullable = false)]
    merge: Option<MergeCreate>,
    /// The body of `POST /tickets/imports`; without `ticket_id`.
    #[schema(nullable = false)]
    import: Option<TicketImportCreate>,
}

/// The merge patch of a ticket.
fn correction() -> RefOr<Schema> {
    let mut reference = Ref::from_schema_name("TicketRequestPatch");
    reference.description = "The body of `PATCH /tickets/{ticket_id}`.".to_owned();
    RefOr::Ref(reference)
}

/// What became of the operations.
#[derive(Serialize, ToSchema)]
pub struct TicketBulk {
    /// One result for each operation, in their order.
    #[schema(min_items = 1, max_items = 100)]
    pub results: Vec<BulkResult>,
}

/// What became of an operation: `ticket`, `followup` or `escalation` if it was carried out, `problem` otherwise.
#[derive(Serialize, ToSchema)]
pub struct BulkResult {
    /// The HTTP status code that a request of its own would have.
    #[schema(minimum = 200, maximum = 499, example = 201)]
    status: u16,
    /// The `ETag` of the ticket or of what was created; `null` if the operation was not carried out.
    #[schema(max_length = 200)]
    etag: Option<String>,
    /// The path of what was created; `null` if nothing was.
    #[schema(max_length = 200, example = "/api/v1/tickets/123")]
    location: Option<String>,
    /// The ticket after the operation; `null` for a followup, an escalation, and if it was not carried out.
    #[schema(value_type = Option<Ticket>)]
    ticket: Option<Value>,
    /// The new followup; `null` for other operations.
    #[schema(value_type = Option<Followup>)]
    followup: Option<Value>,
    /// The new escalation; `null` for other operations.
    #[schema(value_type = Option<Escalation>)]
    escalation: Option<Value>,
    /// Why the operation was not carried out; `null` if it was.
    problem: Option<ProblemDocument>,
}

impl BulkOperation {
    /// The operation, if only one is named.
    pub fn kind(&self) -> Option<TicketOperation> {
        let mut names = self.bodies.keys();
        names.next().filter(|_| self.bodies.len() == 1).and_then(|name| TicketOperation::of_name(name))
    }

    /// The body of a registration that names nothing else.
    pub fn registration(&self) -> Option<&Value> {
        let is_alone = self.ticket_id.is_none() && self.if_match.is_none() && self.bodies.len() == 1;
        self.bodies.get(TicketOperation::Create.as_str()).filter(|_| is_alone)
    }

    /// The identifiers of the ticket that the operation imports, in the other system. They are not checked yet: PostgreSQL
    /// accepts no NUL.
    pub fn imported(&self) -> Option<(&str, &str)> {
        let body = self.bodies.get(TicketOperation::Import.as_str())?;
        let text = |name: &str| body[name].as_str().filter(|text| !text.contains('\0'));
        Some((text("external_id")?, text("external_source")?))
    }

    /// The tickets that the operation locks, as far as the request names them.
    pub fn tickets(&self) -> impl Iterator<Item = i64> {
        let into = self.bodies.get("merge").and_then(|body| body["into_ticket_id"].as_i64());
        [self.ticket_id, into].into_iter().flatten()
    }
}

/// The only one of these bodies, with its operation.
///
/// # Errors
/// A 422 if there is none or several.
pub fn only(bodies: Map<String, Value>) -> Result<(TicketOperation, Value)> {
    let mut bodies = bodies.into_iter();
    if let (Some((name, body)), None) = (bodies.next(), bodies.next())
        && let Some(operation) = TicketOperation::of_name(&name)
    {
        return Ok((operation, body));
    }
    let detail = Text::new("Indique una operación, y solo una.", "Name one operation, and only one.");
    Err(Problem::field(FieldError::new("", FieldCode::NotAllowed, detail)))
}

impl BulkResult {
    pub fn done(operation: Option<TicketOperation>, answer: Answer) -> Result<Self> {
        let mut body: Option<Value> = Some(serde_json::from_slice(&answer.body).map_err(Problem::internal)?);
        let (etag, location, status) = (answer.etag, answer.location, answer.status.as_u16());
        let mut result = BulkResult {
            status,
            etag,
            location,
            ticket: None,
            followup: None,
            escalation: None,
            problem: None,
        };
        if let (Some(TicketOperation::Solution), Some(Value::Object(ticket))) = (operation, &mut body) {
            // A ticket like all others: what became of its children is in its event and its relations.
            for beside in ["solved_child_ids", "offered_child_ids", "open_child_ids"] {
                ticket.remove(beside);
            }
        }
        match operation {
            Some(TicketOperation::Followup) => result.followup = body,
            Some(TicketOperation::Escalation) => result.escalation = body,
            _ => result.ticket = body,
        }
        Ok(result)
    }

    pub fn is_refused(&self) -> bool {
        self.problem.is_some()
    }

    /// What a job keeps of it.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn kept(self) -> Result<KeptResult> {
        let BulkResult { status, etag, location, problem, .. } = self;
        let problem = problem.map(serde_json::to_value).transpose().map_err(Problem::internal)?;
        Ok(KeptResult { status, etag, location, problem })
    }

    pub fn refused(problem: ProblemDocument) -> Self {
        BulkResult {
            status: problem.status,
            etag: None,
            location: None,
            ticket: None,
            followup: None,
            escalation: None,
            problem: Some(problem),
        }
    }
}
