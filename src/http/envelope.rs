//! Common handling of every request: an id, a log line, and problems in the reader's language, including the
//! framework's own errors.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use uuid::Uuid;

use super::access::Access;
use super::call::DatabaseTime;
use super::desk::Desk;
use super::lifecycle::Lifecycle;
use super::limits;
use super::schemas::Schemas;
use super::traffic::known_method;
use crate::language::locale::{self, Locale};
use crate::problem::{Code, Problem, Text};
use crate::telemetry::traceparent::TraceParent;
use crate::telemetry::traces::Span;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// If the public URL uses TLS, how long browsers use TLS only (RFC 6797).
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Extension of a request that came as a HEAD and is answered as a GET.
pub struct WasHead;

/// The outermost middleware.
pub async fn envelope<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let asked = locale::asked(request.request());
    let request_id = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let trace = TraceParent::of(request.headers());
    let method = request.method().clone();
    let span = Span::of_request(known_method(&method), trace.as_ref());
    // A HEAD is handled as a GET; the server omits the body.
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(WasHead);
    }

    // The result is a response by now, errors included; the framework itself answers the rest.
    let response = span.around(next.call(request)).await?.map_into_boxed_body();
    let locale = asked.or_else(|| response.request().extensions().get::<Locale>().copied());
    let mut response = translate(response, locale.unwrap_or(Locale::Es), &request_id);
    limits::add_headers(&mut response);

    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A response to one person is stored neither by caches nor by a shared browser.
    if response.request().path().starts_with("/api/")
        && !response.headers().contains_key(header::CACHE_CONTROL)
    {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(lifecycle) = lifecycle(response.request(), &method) {
        lifecycle.add_headers(response.headers_mut());
    }
    let encrypted = |desk: &Data<Desk>| desk.config.links_from().starts_with("https://");
    if response.request().app_data().is_some_and(encrypted) {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, FOR_A_YEAR);
    }
    if let Some(desk) = response.request().app_data::<Data<Desk>>() {
        desk.admissions.forget_after(&method, response.request().path());
    }
    let elapsed = started.elapsed();
    let taken = elapsed.as_secs_f64() * 1000.0;
    let database =
        response.request().extensions().get::<DatabaseTime>().map(|time| time.0.as_secs_f64() * 1000.0);
    // Only for staff: the duration of a request reveals data that others may not read.
    let timing = database.map(|database| format!("db;dur={database:.1}, total;dur={taken:.1}"));
    if let Some(Ok(timing)) = timing.as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    Access::new(&method, &response, elapsed, &request_id, trace.as_ref(), &span).record();
    Ok(response)
}

/// The dates of the operation that was called, if it is deprecated.
fn lifecycle(request: &HttpRequest, method: &Method) -> Option<Lifecycle> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let operation = format!("{method} {}", request.match_pattern()?);
    request.app_data::<Arc<Schemas>>()?.lifecycle(&operation)
}

/// Turns an error response into a problem in the reader's language.
fn translate(response: ServiceResponse, locale: Locale, request_id: &str) -> ServiceResponse {
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let shown = |problem: &Problem| {
        if problem.is_fault() {
            log::error!(request_id; "{} request_id={request_id}", problem.log_line());
        }
        let id = problem.code.status().is_server_error().then_some(request_id);
        problem.respond(locale, id)
    };
    let rendered = match response.response().error() {
        Some(error) => match error.as_error::<Problem>() {
            Some(problem) => Some(shown(problem)),
            None => Some(shown(&framework_problem(response.status()))),
        },
        None if is_problem(&response) || is_page(&response) => None,
        None => Some(shown(&framework_problem(response.status()))),
    };
    match rendered {
        Some(mut rendered) => {
            // The CORS headers apply to a problem as well.
            for (name, value) in response.headers() {
                if name.as_str().starts_with("access-control-") || name == header::VARY {
                    rendered.headers_mut().append(name.clone(), value.clone());
                }
            }
            ServiceResponse::new(response.request().clone(), rendered)
        }
        None => response,
    }
}

fn is_problem(response: &ServiceResponse) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"))
}

/// An HTML page has its own error text.
fn is_page(response: &ServiceResponse) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

fn framework_problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            Code::MethodNotAllowed,
            Text::new("Consulte en `Allow` los métodos de esta ruta.", "See this path's methods in `Allow`."),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::TooLarge, Text::new("Envíe menos datos.", "Send less data."))
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            Code::UnsupportedMediaType,
            Text::new(
                "Consulte en el contrato el tipo esperado.",
                "See in the contract which type is expected.",
            ),
        ),
        status if status.is_client_error() => Problem::new(
            Code::BadRequest,
            Text::new("La petición no se puede leer.", "The request cannot be read."),
        ),
        status => Problem::internal(format!("the framework returned {status}")),
    }
}
