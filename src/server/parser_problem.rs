//! Complete responses to requests that reach no middleware: those that the HTTP parser rejects, and those that arrive
//! during the shutdown.

use actix_web::ResponseError;
use actix_web::http::header::RETRY_AFTER;
use uuid::Uuid;

use crate::http::desk::Desk;
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Text};

/// The replacement of a response of the parser; `None` if the bytes are not such a response.
pub fn instead_of(answer: &[u8], desk: &Desk) -> Option<Vec<u8>> {
    let problem = refusal(answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?)?;
    let request_id = Uuid::now_v7().to_string();
    let status = problem.code.status().as_u16();
    desk.traffic.count(status);
    log::info!(target: "mesa::access", "- - {status} {request_id}");
    let security = if desk.config.links_from().starts_with("https://") {
        "Strict-Transport-Security: max-age=31536000\r\n"
    } else {
        ""
    };
    Some(http_message(&problem, &request_id, security).into_bytes())
}

fn refusal(status: &[u8]) -> Option<Problem> {
    Some(match status {
        b"400" => Problem::new(
            Code::BadRequest,
            Text::new("La petición no se puede leer.", "The request cannot be read."),
        ),
        b"408" => Problem::new(
            Code::RequestTimeout,
            Text::new("Los encabezados no llegaron a tiempo.", "The headers did not arrive in time."),
        ),
        b"431" => Problem::new(
            Code::HeadersTooLarge,
            Text::new(
                "Los encabezados admiten hasta 128 KiB.",
                "The maximum size of the headers is 128 KiB.",
            ),
        ),
        _ => return None,
    })
}

/// The complete response with a problem, after which the connection is closed. It is in Spanish, since the language
/// of the request is not known.
pub fn http_message(problem: &Problem, request_id: &str, further_headers: &str) -> String {
    let status = problem.code.status();
    let id = status.is_server_error().then_some(request_id);
    let body = serde_json::to_string(&problem.document(Locale::Es, id)).unwrap_or_default();
    let retry_after = problem.error_response().headers().get(RETRY_AFTER).cloned();
    let retry_after = retry_after
        .and_then(|after| after.to_str().ok().map(|after| format!("Retry-After: {after}\r\n")))
        .unwrap_or_default();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Language: es\r\n\
         X-Content-Type-Options: nosniff\r\nX-Request-Id: {request_id}\r\n{retry_after}{further_headers}\
         Cache-Control: no-store\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
