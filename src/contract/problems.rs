//! Problems in the contract: their codes, their members, and the responses that several operations share.

use serde_json::{Value, json};

use super::operations::answer_headers;
use crate::problem::Code;
use crate::tickets::workflow::Step;

/// The codes with their statuses, as a table.
pub fn codes() -> String {
    let mut table = "The kind of the problem, for programs; each code has one status, and \
        `/problems/{code}` is a page about it.\n\n| code | status | meaning |\n|---|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        let (name, status) = (code.as_str(), code.status().as_u16());
        table.push_str(&format!("| `{name}` | {status} | {} |\n", code.meaning().en));
    }
    table
}

/// Further members of a problem, by its `code`: those of features that the module of errors does not know.
pub fn problem_members() -> Value {
    let ticket =
        |description: &str| json!({"type": "integer", "format": "int64", "description": description});
    json!({
        "current_status": {
            "type": "string", "maxLength": 20,
            "description": "`step_not_allowed`: the state of the ticket (a `TicketStatus`); `wrong_state`: the state of the record."
        },
        "allowed_steps": {
            "type": "array", "maxItems": Step::ALL.len(), "items": {"$ref": "#/components/schemas/Step"},
            "description": "`step_not_allowed`: the steps that the state allows and that the caller may take."
        },
        "assignee_id": {
            "type": ["string", "null"], "format": "uuid",
            "description": "`already_assigned`: the assignee of the ticket; `null` if it is no longer assigned."
        },
        "next_available_at": {
            "type": ["string", "null"], "format": "date-time",
            "description": "`nobody_available`: when the next person is available; `null` if no one will be."
        },
        "next_available_user": {
            "oneOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}],
            "description": "`nobody_available`: the next available person."
        },
        "operation_index": {
            "type": "integer", "minimum": 0, "maximum": 99,
            "description": "`POST /tickets/bulk` with `atomic`: the operation that was refused, counted from 0."
        },
        "user_ids": {
            "type": "array", "maxItems": 20, "items": {"type": "string", "format": "uuid"},
            "description": "`person_conflict`: the accounts with the document or the address."
        },
        "contract_ends_on": {
            "type": "string", "format": "date",
            "description": "`contract_ended`: the last day of the requester's contract, in the entity's time zone."
        },
        "error": {"type": "string", "maxLength": 50, "description": "`POST /auth/token`: the error code of RFC 6749, `invalid_grant` or `invalid_client`."},
        "error_description": {"type": "string", "maxLength": 2000, "description": "`POST /auth/token`: the `detail` in English."},
        "ticket_id": ticket("`nobody_available` on a handover: the ticket that no one can take."),
        "ticket_ids": {
            "type": "array", "maxItems": 100_000, "items": {"type": "integer", "format": "int64"},
            "description": "`open_tickets`: the open tickets that the person could no longer attend to."
        },
        "resubmitted_as_id": ticket("`already_exists` on a resubmission: the ticket that already resubmits it."),
    })
}

/// Status, name and description of the problems that several operations share.
pub const PROBLEMS: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "`bad_request`, `invalid_query` or `invalid_cursor`"),
    ("401", "Unauthenticated", "`unauthenticated`: no valid access token"),
    ("403", "Forbidden", "`forbidden` or `not_the_assignee`"),
    ("404", "NotFound", "`not_found`: it does not exist, or is not visible to the caller"),
    ("408", "RequestTimeout", "`request_timeout`: the body did not arrive in time"),
    (
        "409",
        "Conflict",
        "`request_in_progress`: the first request with this `Idempotency-Key` is not answered yet; try again",
    ),
    (
        "412",
        "PreconditionFailed",
        "`precondition_failed`: the resource has changed since the `ETag` of `If-Match`",
    ),
    ("413", "TooLarge", "`too_large`"),
    (
        "415",
        "UnsupportedMediaType",
        "`unsupported_media_type`: the operation does not accept this `Content-Type`, or the body has a `Content-Encoding` \
        other than `identity`: compressed bodies are not taken",
    ),
    (
        "422",
        "Invalid",
        "`invalid_body`: `errors` names every field at fault; or, with an `Idempotency-Key` that was \
        already used for another request, `idempotency_key_reused`",
    ),
    ("428", "PreconditionRequired", "`precondition_required`: send the `ETag` of the resource as `If-Match`"),
    ("429", "TooManyRequests", "`too_many_requests`: try again after `Retry-After` seconds"),
    ("500", "Internal", "`internal`: include the `request_id` in a report"),
    (
        "503",
        "Unavailable",
        "`unavailable`: the database does not answer, or the memory for request bodies is in use; try again after \
        `Retry-After` seconds; `read_only`: the desk accepts no changes for now, nor reads that leave a record",
    ),
];

pub fn problem_content() -> Value {
    json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

/// The responses that more than one operation has, by name.
pub fn responses() -> Value {
    let mut responses = serde_json::Map::new();
    let mut not_modified = json!({"description": "Not modified: the `ETag` matches `If-None-Match`", "headers": answer_headers("304")});
    not_modified["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
    responses.insert("NotModified".to_owned(), not_modified);
    for (status, name, description) in PROBLEMS {
        let mut response = json!({"description": description, "content": problem_content()});
        response["headers"] = answer_headers(status);
        responses.insert((*name).to_owned(), response);
    }
    Value::Object(responses)
}
