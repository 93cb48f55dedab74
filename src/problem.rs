//! Every error a client can see: RFC 9457 problem details with a stable code.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::locale::Locale;

/// A sentence in the two languages of the desk.
#[derive(Debug, Clone)]
pub struct Text {
    pub es: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Text {
    pub const fn new(es: &'static str, en: &'static str) -> Self {
        Text { es: Cow::Borrowed(es), en: Cow::Borrowed(en) }
    }

    pub fn made(es: String, en: String) -> Self {
        Text { es: Cow::Owned(es), en: Cow::Owned(en) }
    }

    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::Es => &self.es,
            Locale::En => &self.en,
        }
    }
}

/// What went wrong, as a client's program may tell it apart. The name in `snake_case` is the problem's `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: the body is not JSON, or the request line or a header cannot be read.
    BadRequest,
    /// 400: a query parameter that does not exist or has a value that cannot be.
    InvalidQuery,
    /// 400: the cursor is not one that this list gave for this order.
    InvalidCursor,
    /// 401: no access token, or one that is not valid any more.
    Unauthenticated,
    /// 401: the email and the password do not belong together, or the account is not active.
    InvalidCredentials,
    /// 401: the refresh token is unknown, expired, or was used before; sign in again.
    InvalidRefreshToken,
    /// 403: the role may not do this.
    Forbidden,
    /// 403: only the ticket's assignee may do this.
    NotTheAssignee,
    /// 404: there is no such thing, or it is not yours to see.
    NotFound,
    /// 405: the path exists, with other methods; the `Allow` header names them.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 409: the ticket's state does not allow the step; `state` and `allowed_steps` say what is.
    StepNotAllowed,
    /// 409: somebody else has or had what should be there once.
    AlreadyExists,
    /// 409: somebody has the ticket already; `assignee_id` says who. Name them in `replaces` to take it over.
    AlreadyAssigned,
    /// 409: the ticket is at the highest support level.
    NoHigherLevel,
    /// 409: the calendar is not open for long enough within twenty years, so nothing would ever be due.
    NoDueTime,
    /// 409: the desk would be left without an active director.
    LastDirector,
    /// 409: no member of staff of the support level is available; `next_available_at` and `next_available_user` say who
    /// is next, and when.
    NobodyAvailable,
    /// 409: the relation would make a ticket its own parent, cause or duplicate, directly or by way of others.
    CircularRelation,
    /// 409: the message has become a ticket or a followup already.
    AlreadyProcessed,
    /// 409: the survey was answered before.
    AlreadyAnswered,
    /// 409: the message did not fail, so there is nothing to send again.
    MessageNotFailed,
    /// 409: a request with the same `Idempotency-Key` is still being carried out.
    RequestInProgress,
    /// 410: the link of the survey has expired.
    SurveyExpired,
    /// 412: the resource has changed since the `ETag` of `If-Match`.
    PreconditionFailed,
    /// 413: the body or the file is larger than allowed.
    TooLarge,
    /// 415: the content type is not one that this operation takes.
    UnsupportedMediaType,
    /// 422: fields are missing, unknown or unfit; `errors` names each.
    InvalidBody,
    /// 422: the `Idempotency-Key` was used before with another body.
    IdempotencyKeyReused,
    /// 429: too many wrong passwords for this email; try again after `Retry-After` seconds.
    TooManyAttempts,
    /// 429: more requests than one client may make in a minute; try again after `Retry-After` seconds.
    TooManyRequests,
    /// 500: a fault of the server; the log knows more under the `request_id`.
    Internal,
    /// 503: the desk is too busy or its database does not answer; try again after `Retry-After` seconds.
    Unavailable,
}

impl Code {
    pub fn status(self) -> StatusCode {
        use Code::*;
        match self {
            BadRequest | InvalidQuery | InvalidCursor => StatusCode::BAD_REQUEST,
            Unauthenticated | InvalidCredentials | InvalidRefreshToken => StatusCode::UNAUTHORIZED,
            Forbidden | NotTheAssignee => StatusCode::FORBIDDEN,
            NotFound => StatusCode::NOT_FOUND,
            MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            StepNotAllowed | AlreadyExists | AlreadyAssigned | NoHigherLevel | NoDueTime | LastDirector
            | NobodyAvailable | CircularRelation | AlreadyProcessed | AlreadyAnswered | MessageNotFailed
            | RequestInProgress => StatusCode::CONFLICT,
            SurveyExpired => StatusCode::GONE,
            PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            InvalidBody | IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            TooManyAttempts | TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn title(self) -> Text {
        use Code::*;
        match self {
            BadRequest => Text::new("La petición no se puede leer", "The request cannot be read"),
            InvalidQuery => Text::new("Parámetros de consulta no válidos", "Invalid query parameters"),
            InvalidCursor => Text::new("Cursor no válido", "Invalid cursor"),
            Unauthenticated => Text::new("Hace falta iniciar sesión", "Authentication required"),
            InvalidCredentials => Text::new("Correo o contraseña incorrectos", "Wrong email or password"),
            InvalidRefreshToken => Text::new("La sesión ha terminado", "The session has ended"),
            Forbidden => Text::new("No permitido", "Not allowed"),
            NotTheAssignee => Text::new("El caso no está asignado a usted", "Not the assignee"),
            NotFound => Text::new("No existe", "Not found"),
            MethodNotAllowed => Text::new("Método no permitido", "Method not allowed"),
            RequestTimeout => Text::new("La petición tardó demasiado", "The request took too long"),
            StepNotAllowed => {
                Text::new("El estado no permite este paso", "The state does not allow this step")
            }
            AlreadyExists => Text::new("Ya existe", "Already exists"),
            AlreadyAssigned => Text::new("El caso ya está asignado", "The ticket is assigned already"),
            NoHigherLevel => Text::new("No hay un nivel superior", "There is no higher level"),
            NoDueTime => Text::new("No hay hora de vencimiento", "There is no due time"),
            LastDirector => Text::new("Es el último director", "The last director"),
            NobodyAvailable => Text::new("No hay nadie disponible", "Nobody is available"),
            CircularRelation => {
                Text::new("La relación daría una vuelta", "The relation would lead in a circle")
            }
            AlreadyProcessed => Text::new("El mensaje ya fue atendido", "The message was processed already"),
            AlreadyAnswered => Text::new("La encuesta ya fue respondida", "The survey was answered before"),
            MessageNotFailed => Text::new("El mensaje no falló", "The message did not fail"),
            SurveyExpired => Text::new("El enlace de la encuesta venció", "The survey's link has expired"),
            RequestInProgress => Text::new("La petición está en curso", "The request is in progress"),
            PreconditionFailed => Text::new("El recurso ha cambiado", "The resource has changed"),
            TooLarge => Text::new("Demasiado grande", "Too large"),
            UnsupportedMediaType => Text::new("Tipo de contenido no admitido", "Unsupported content type"),
            InvalidBody => Text::new("Datos no válidos", "Invalid data"),
            IdempotencyKeyReused => {
                Text::new("Clave de idempotencia reutilizada", "Idempotency key used for another request")
            }
            TooManyAttempts => Text::new("Demasiados intentos", "Too many attempts"),
            TooManyRequests => Text::new("Demasiadas peticiones", "Too many requests"),
            Internal => Text::new("Error interno", "Internal error"),
            Unavailable => Text::new("Servicio no disponible por ahora", "Service unavailable for now"),
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone)]
pub struct FieldError {
    pub pointer: String,
    pub code: &'static str,
    pub detail: Text,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: Text) -> Self {
        FieldError { pointer: pointer.into(), code, detail }
    }

    pub fn required(pointer: impl Into<String>) -> Self {
        Self::new(pointer, "required", Text::new("Es obligatorio.", "It is required."))
    }

    /// The id is well formed and nothing that may be named here has it.
    pub fn unknown_id(pointer: impl Into<String>) -> Self {
        Self::new(
            pointer,
            "not_found",
            Text::new("No existe o no está activo.", "It does not exist or is not active."),
        )
    }
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: Text,
    pub errors: Vec<FieldError>,
    /// Further members of the JSON object, such as the ticket's `state`.
    pub members: Map<String, Value>,
    /// The methods of the path, for the `Allow` header of a 405.
    pub allow: Option<String>,
    /// For the `Retry-After` header of a 429, in seconds.
    pub retry_after: Option<i64>,
    /// For the log alone: the cause, and the line where it became a problem.
    cause: Option<String>,
    location: &'static Location<'static>,
}

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
            retry_after: None,
            cause: None,
            location: Location::caller(),
        }
    }

    #[track_caller]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            Code::InvalidBody,
            Text::new("Revise los campos que se nombran en `errors`.", "See the fields named in `errors`."),
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
            Text::new("No hay nada aquí que usted pueda ver.", "There is nothing here that you may see."),
        )
    }

    #[track_caller]
    pub fn forbidden() -> Self {
        Self::new(
            Code::Forbidden,
            Text::new("Su rol no permite esta acción.", "Your role does not allow this."),
        )
    }

    #[track_caller]
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            Code::Internal,
            Text::new(
                "Algo falló en el servidor. Indique el `request_id` al informarlo.",
                "Something failed in the server. Give the `request_id` when you report it.",
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

    /// Whether the server itself is at fault.
    pub fn is_fault(&self) -> bool {
        self.cause.is_some()
    }

    /// What the log should say of it.
    pub fn log_line(&self) -> String {
        let cause = self.cause.as_deref().unwrap_or(&self.detail.en);
        format!("{} at {}: {cause}", self.code.status(), self.location)
    }

    /// The JSON object a client gets.
    pub fn document(&self, locale: Locale, request_id: Option<&str>) -> ProblemDocument {
        let code = serde_json::to_value(self.code).ok().and_then(|c| c.as_str().map(str::to_owned));
        ProblemDocument {
            r#type: format!("/problems/{}", code.unwrap_or_default()),
            title: self.code.title().in_locale(locale).to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.in_locale(locale).to_owned(),
            code: self.code,
            request_id: request_id.map(str::to_owned),
            errors: self
                .errors
                .iter()
                .map(|e| ProblemField {
                    pointer: e.pointer.clone(),
                    code: e.code.to_owned(),
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
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        let document = self.document(locale, request_id);
        response.body(serde_json::to_vec(&document).unwrap_or_default())
    }
}

/// Why a request was not carried out (RFC 9457, `application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem; the last segment is `code`.
    #[schema(example = "/problems/invalid_body", format = "uri-reference")]
    pub r#type: String,
    /// The kind of problem in words, in the reader's language.
    #[schema(example = "Datos no válidos")]
    pub title: String,
    /// The HTTP status, once more.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time and what can be done, in the reader's language.
    #[schema(example = "Revise los campos que se nombran en `errors`.")]
    pub detail: String,
    /// Stable: programs should look at this.
    pub code: Code,
    /// Under which the server's log speaks of this request; on 5xx answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// One entry for each field that is at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<ProblemField>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// JSON Pointer to the field in the body; for a query parameter, `/` and its name.
    #[schema(example = "/subject")]
    pub pointer: String,
    /// Stable: `required`, `unknown_field`, `wrong_type`, `too_long`, `too_short`, `out_of_range`, `not_allowed`,
    /// `wrong_format`, `not_found`, `not_in_future`, `outside_shift`, `overlaps`, `duplicate`, `unexpected`.
    #[schema(example = "required")]
    pub code: String,
    /// The same in words, in the reader's language.
    #[schema(example = "Es obligatorio.")]
    pub detail: String,
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
                    Text::new("Ya hay uno con los mismos datos.", "There is one with the same data."),
                );
                if let Some(field) = unique_field(info.constraint_name()) {
                    problem.errors.push(FieldError::new(
                        field,
                        "duplicate",
                        Text::new("Ya está en uso.", "It is in use."),
                    ));
                }
                problem
            }
            Error::DatabaseError(
                Kind::ClosedConnection | Kind::SerializationFailure | Kind::UnableToSendCommand,
                _,
            )
            | Error::BrokenTransactionManager => Problem::unavailable(&error),
            Error::DatabaseError(_, info) if is_wait_over(info.message()) => Problem::unavailable(&error),
            _ => Problem::internal(&error),
        }
    }
}

/// The field that a unique index guards, for those that a client can meet.
fn unique_field(constraint: Option<&str>) -> Option<&'static str> {
    match constraint? {
        "users_email_key" => Some("/email"),
        "survey_questions_key" => Some("/key"),
        "units_name_key" | "categories_name_key" | "calendars_name_key" => Some("/name"),
        _ => None,
    }
}

/// PostgreSQL's words where a time limit or a shutdown ended the statement (its messages are fixed to English by the
/// pool's `lc_messages`).
fn is_wait_over(message: &str) -> bool {
    ["lock timeout", "statement timeout", "terminating connection", "deadlock detected", "server closed"]
        .iter()
        .any(|words| message.contains(words))
}
