//! Sends content of the object store: whole, in part, or not at all if the client already has it.

use actix_web::HttpMessage;
use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ContentDisposition, ContentEncoding, ETAG,
    HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use utoipa::IntoParams;

use super::range::Requested;
use crate::http::desk::Desk;
use crate::http::envelope::WasHead;
use crate::http::etag::names;
use crate::problem::{Code, Problem, Result, Text};

/// A content with its headers.
pub struct Download {
    pub storage_key: String,
    pub sha256: String,
    pub size: i64,
    pub content_type: String,
    pub disposition: ContentDisposition,
}

/// The headers of a request for a part of a content.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "declares in the contract what `serve` reads")]
pub struct RangeHeaders {
    /// One range of bytes, such as `bytes=1000-` to resume a download: the response is a 206 with these bytes. If the
    /// header has several ranges or another unit, the response is the whole content.
    #[param(rename = "Range", required = false, max_length = 200)]
    range: Option<String>,
    /// The `ETag` of the content that the client has a part of. If it differs from the current one, `Range` is
    /// ignored.
    #[param(rename = "If-Range", required = false, max_length = 200)]
    if_range: Option<String>,
}

/// # Errors
/// [Code::RangeNotSatisfiable] if the range begins past the end; [Code::Unavailable] if the object store does not
/// answer.
pub async fn serve(desk: &Desk, request: &HttpRequest, download: Download) -> Result<HttpResponse> {
    let etag = format!("\"{}\"", download.sha256);
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let known: Vec<&str> =
        request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).collect();
    if names(&known.join(","), &etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    let size = u64::try_from(download.size).map_err(Problem::internal)?;
    // Only a GET has ranges (RFC 9110, section 14.2). Contents have no dates, so a date never matches.
    let is_get = request.extensions().get::<WasHead>().is_none();
    let range = header(RANGE).filter(|_| is_get && header(IF_RANGE).is_none_or(|tag| tag.trim() == etag));
    let requested = range.map_or(Requested::Whole, |range| Requested::parse(range, size));
    let (options, mut response) = match requested {
        Requested::Whole => (GetOptions::new(), HttpResponse::Ok()),
        Requested::Part { first, last } => {
            let mut response = HttpResponse::PartialContent();
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
            (GetOptions::new().with_range(Some(GetRange::Bounded(first..last + 1))), response)
        }
        Requested::Unsatisfiable => return Err(not_satisfiable(size)),
    };
    let content = desk.files.get_opts(&Path::from(download.storage_key), options).await;
    let content = content.map_err(Problem::no_files)?;
    let length = content.range.end - content.range.start;
    Ok(response
        .content_type(download.content_type)
        .insert_header(download.disposition)
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((ETAG, etag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        // If it were compressed, its bytes would differ from those that the range refers to.
        .insert_header(ContentEncoding::Identity)
        .no_chunking(length)
        .streaming(content.into_stream().map_err(Problem::no_files)))
}

#[track_caller]
fn not_satisfiable(size: u64) -> Problem {
    let mut problem = Problem::new(
        Code::RangeNotSatisfiable,
        Text::made(
            format!("El contenido tiene {size} bytes; el rango empieza después del final."),
            format!("The content has {size} bytes; the range begins past its end."),
        ),
    );
    problem.content_range = Some(format!("bytes */{size}"));
    problem
}
