//! Errors as a client receives them: RFC 9457 problem details with a stable code.

mod code;
mod field;
mod reason;

use std::fmt;
use std::panic::Location;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::code::Code;
pub use self::field::{FieldCode, FieldError, FieldPlace, MOST_FAULTS, ProblemField};
pub use self::reason::Reason;
pub use crate::language::Text;
use crate::language::locale::Locale;

/// After how many seconds a client tries again whether a read-only desk accepts changes.
const READ_ONLY_FOR: i64 = 60;

/// An error that is returned to a client.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: Text,
    pub errors: Vec<FieldError>,
    /// Additional members of the JSON object, such as the `current_status` of the ticket.
    pub members: Map<String, Value>,
    /// The methods of the path, for the `Allow` header of a 405.
    pub allow: Option<String>,
    /// The supported content codings of a body, for the `Accept-Encoding` header of a 415 about another coding.
    pub accept_encoding: Option<&'static str>,
    /// For the `Retry-After` header of a 429, in seconds.
    pub retry_after: Option<i64>,
    /// For the `Content-Range` header of a 416.
    pub content_range: Option<String>,
    /// For the metrics: why the request was refused for now.
    reason: Reason,
    /// For the log only: the cause, and the line where it became a problem.
    cause: Option<String>,
    location: &'static Location<'static>,
}

/// Why the server did not start or a command failed, as a text for the operator.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    #[track_caller]
    pub fn new(code: Code, detail: Text) -> Self {
        Problem {
            code,
            detail,
            errors: Vec::new(),
            members: Map::new(),
            allow: None,
            accept_encoding: None,
            retry_after: None,
            content_range: None,
            reason: match code {
                Code::TooManyRequests => Reason::RateLimit,
                Code::TooManyAttempts => Reason::Attempts,
                _ => Reason::Other,
            },
            cause: None,
            location: Location::caller(),
        }
    }

    #[track_caller]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            Code::InvalidBody,
            Text::new("Revise los campos indicados en `errors`.", "See the fields named in `errors`."),
        );
        problem.errors = errors;
        problem
    }

    #[track_caller]
    pub fn field(error: FieldError) -> Self {
        Self::fields(vec![error])
    }

    #[track_caller]
    pub fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            Text::new(
                "No existe, o usted no tiene permiso para consultarlo.",
                "It does not exist, or you may not see it.",
            ),
        )
    }

    #[track_caller]
    pub fn forbidden() -> Self {
        Self::new(
            Code::Forbidden,
            Text::new("Su rol no permite esta acción.", "Your role does not allow this action."),
        )
    }

    /// The state of a record, `status`, does not allow the action.
    #[track_caller]
    pub fn wrong_state(status: &'static str) -> Self {
        let mut problem = Self::new(
            Code::WrongState,
            Text::made(
                format!("El registro está en el estado `{status}`, que no permite esta acción."),
                format!("The record is in the state `{status}`, which does not allow this action."),
            ),
        );
        problem.members.insert("current_status".to_owned(), status.into());
        problem
    }

    /// A record lacks required fields, without which it cannot be made final.
    #[track_caller]
    pub fn incomplete(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            Code::Incomplete,
            Text::new("Faltan los datos indicados en `errors`.", "The fields named in `errors` are missing."),
        );
        problem.errors =
            errors.into_iter().map(|error| FieldError { place: FieldPlace::Resource, ..error }).collect();
        problem
    }

    #[track_caller]
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            Code::Internal,
            Text::new(
                "Ocurrió un error en el servidor. Indique el `request_id` al reportarlo.",
                "A server error occurred. Give the `request_id` when you report it.",
            ),
        );
        problem.cause = Some(cause.to_string());
        problem
    }

    #[track_caller]
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            Code::Unavailable,
            Text::new("Intente de nuevo en unos segundos.", "Try again in a few seconds."),
        );
        problem.cause = Some(cause.to_string());
        problem
    }

    /// A 503 because this copy of the server changes nothing.
    pub fn read_only() -> Self {
        let mut problem = Self::new(
            Code::ReadOnly,
            Text::new(
                "Por ahora solo se puede consultar. Repita la petición cuando se admitan cambios.",
                "For now the desk can only be read. Repeat the request when it accepts changes.",
            ),
        );
        problem.retry_after = Some(READ_ONLY_FOR);
        problem.reason = Reason::ReadOnly;
        problem
    }

    /// The same, counted by the metrics with this reason.
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// A 503 because the store of files does not answer.
    #[track_caller]
    pub fn no_files(cause: impl fmt::Display) -> Self {
        Self::unavailable(cause).because(Reason::Files)
    }

    /// Whether it is an error of the server.
    pub fn is_fault(&self) -> bool {
        self.cause.is_some()
    }

    /// The text for the log.
    pub fn log_line(&self) -> String {
        let cause = self.cause.as_deref().unwrap_or(&self.detail.en);
        format!("{} at {}: {cause}", self.code.status(), self.location)
    }

    /// The JSON object that is sent to a client.
    pub fn document(&self, locale: Locale, request_id: Option<&str>) -> ProblemDocument {
        ProblemDocument {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: self.code.title().in_locale(locale).to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.in_locale(locale).to_owned(),
            code: self.code,
            request_id: request_id.map(str::to_owned),
            errors: self
                .errors
                .iter()
                .take(MOST_FAULTS)
                .map(|e| ProblemField {
                    r#in: e.place,
                    pointer: e.pointer.clone(),
                    code: e.code,
                    detail: e.detail.in_locale(locale).to_owned(),
                })
                .collect(),
            members: self.members.clone(),
        }
    }

    pub fn respond(&self, locale: Locale, request_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CONTENT_LANGUAGE, locale.as_str()));
        response.append_header((header::VARY, "Accept-Language"));
        match self.code.status() {
            StatusCode::UNAUTHORIZED => {
                response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, HeaderValue::from_static("2")));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(range) = &self.content_range {
            response.insert_header((header::CONTENT_RANGE, range.as_str()));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(codings) = self.accept_encoding {
            response.insert_header((header::ACCEPT_ENCODING, codings));
        }
        let document = self.document(locale, request_id);
        let mut response = response.body(serde_json::to_vec(&document).unwrap_or_default());
        // For the access log and the metrics.
        response.extensions_mut().insert(self.code);
        response.extensions_mut().insert(self.reason);
        response
    }
}

/// Why a request failed (RFC 9457, `application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The URI of the kind of problem; its last segment is `code`.
    #[schema(example = "/problems/invalid_body", format = "uri-reference")]
    pub r#type: String,
    /// The title of the kind of problem, in the reader's language.
    #[schema(max_length = 200, example = "Datos no válidos")]
    pub title: String,
    /// The HTTP status code.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// The cause in this case and what can be done, in the reader's language.
    #[schema(max_length = 2000, example = "Revise los campos indicados en `errors`.")]
    pub detail: String,
    /// The stable code of the problem, for programs.
    pub code: Code,
    /// The id of this request in the server's log; only present in 5xx responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub request_id: Option<String>,
    /// One entry for each invalid field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, required = false)]
    pub errors: Vec<ProblemField>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.code, self.location)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(Locale::Es, None)
    }
}

impl From<diesel::result::Error> for Problem {
    #[track_caller]
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match &error {
            Error::NotFound => Problem::not_found(),
            Error::DatabaseError(Kind::UniqueViolation, info) => {
                let mut problem = Problem::new(
                    Code::AlreadyExists,
                    Text::new(
                        "Ya existe un registro con los mismos datos.",
                        "A record with the same data already exists.",
                    ),
                );
                if let Some(field) = unique_field(info.constraint_name()) {
                    problem.errors.push(FieldError::new(
                        field,
                        FieldCode::Duplicate,
                        Text::new("Ya está en uso.", "It is already in use."),
                    ));
                }
                problem
            }
            Error::DatabaseError(
                Kind::ClosedConnection
                | Kind::SerializationFailure
                | Kind::UnableToSendCommand
                // From a server that became a standby.
                | Kind::ReadOnlyTransaction,
                _,
            )
            | Error::BrokenTransactionManager => Problem::unavailable(&error).because(Reason::Database),
            Error::DatabaseError(_, info) if is_for_now(info.message()) => {
                Problem::unavailable(&error).because(Reason::Database)
            }
            _ => Problem::internal(&error),
        }
    }
}

/// The field of a unique index, for the indexes whose violation a client can cause.
fn unique_field(constraint: Option<&str>) -> Option<&'static str> {
    match constraint? {
        "users_email_key" => Some("/email"),
        "survey_questions_key" => Some("/key"),
        name if name.ends_with("_name_key") => Some("/name"),
        _ => None,
    }
}

/// PostgreSQL's message if a timeout or a shutdown ended the statement, or if disk space or memory is temporarily
/// exhausted (its messages are in English because of the pool's `lc_messages`).
fn is_for_now(message: &str) -> bool {
    [
        "lock timeout",
        "statement timeout",
        "terminating connection",
        "deadlock detected",
        "server closed",
        "the database system is",
        "No space left on device",
        "could not extend file",
        "out of memory",
        "out of shared memory",
    ]
    .iter()
    .any(|words| message.contains(words))
}
