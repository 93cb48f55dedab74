//! A successful response, made in the database transaction and kept unchanged for a retry.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, Result};

/// A successful response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// The next page of a list.
    pub next_cursor: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn ok(body: &impl Serialize) -> Result<Self> {
        let mut body = serde_json::to_vec(body).map_err(Problem::internal)?;
        // The buffer grew by doubling, and many slow clients would each hold one.
        body.shrink_to_fit();
        Ok(Answer { status: StatusCode::OK, etag: None, location: None, next_cursor: None, body })
    }

    /// 201, with the path of the created resource.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self> {
        Ok(Answer { status: StatusCode::CREATED, location: Some(location), ..Self::ok(body)? })
    }

    pub fn no_content() -> Self {
        Answer {
            status: StatusCode::NO_CONTENT,
            etag: None,
            location: None,
            next_cursor: None,
            body: Vec::new(),
        }
    }

    /// 202, without a body: the work is done later.
    pub fn accepted() -> Self {
        Answer { status: StatusCode::ACCEPTED, ..Self::no_content() }
    }

    /// Adds the `ETag` of a resource at this version and in this representation.
    pub fn version(mut self, version: i32) -> Self {
        self.etag = Some(etag(version, &self.body));
        self
    }

    /// `if_none_match`: the request's header; if it names the ETag, the response is a 304. `url`: path and query of
    /// the request, for the link to the next page.
    pub fn respond(self, if_none_match: Option<&str>, url: (&str, &str)) -> HttpResponse {
        if self.status == StatusCode::OK
            && let (Some(etag), Some(known)) = (&self.etag, if_none_match)
            && names(known, etag)
        {
            return HttpResponse::NotModified().insert_header((header::ETAG, etag.as_str())).finish();
        }
        let mut response = HttpResponse::build(self.status);
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(cursor) = self.next_cursor {
            response.insert_header((header::LINK, next_link(url, &cursor)));
        }
        if matches!(self.status, StatusCode::NO_CONTENT | StatusCode::ACCEPTED) {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}

/// The strong ETag of a resource: its version, and a hash of the representation, which contains names of other
/// resources too.
fn etag(version: i32, body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let shown = hex::encode(&digest[..6]);
    format!("\"{version}-{shown}\"")
}

/// Whether `If-None-Match` names this ETag (a weak one is compared as its strong one).
pub fn names(header: &str, etag: &str) -> bool {
    tags(header).any(|tag| tag == "*" || tag == etag)
}

/// Whether `If-Match` names a resource at this version, in any representation. A proxy that compresses makes a tag
/// weak; the version in it is still exact.
pub fn names_version(header: &str, version: i32) -> bool {
    let version = version.to_string();
    tags(header).any(|tag| tag == "*" || version_of(tag) == Some(&version))
}

/// The version in a tag that `etag` may have made.
fn version_of(tag: &str) -> Option<&str> {
    let (version, digest) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    (!digest.is_empty()).then_some(version)
}

fn tags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(str::trim).map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
}

fn next_link((path, query): (&str, &str), cursor: &str) -> String {
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("<{path}?{}{separator}cursor={cursor}>; rel=\"next\"", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_named_alone_in_a_list_weakly_or_by_a_star() {
        assert!(names("\"3\"", "\"3\"") && names("\"1\", W/\"3\"", "\"3\"") && names("*", "\"3\""));
        assert!(!names("\"33\"", "\"3\"") && !names("", "\"3\""));
    }

    #[test]
    fn a_version_is_the_same_however_it_is_shown() {
        let (one, other) = (etag(3, b"a"), etag(3, b"b"));
        assert_ne!(one, other);
        assert!(names_version(&one, 3) && names_version(&other, 3) && names_version("*", 3));
        assert!(names_version(&format!("\"1-00\", W/{one}"), 3));
        assert!(!names_version(&one, 33) && !names_version(&etag(33, b"a"), 3) && !names_version("", 3));
        assert!(!names_version("3", 3) && !names_version("\"3\"", 3) && !names_version("3-00", 3));
    }

    #[test]
    fn the_next_link_keeps_the_filters_and_replaces_the_cursor() {
        let link = next_link(("/api/v1/tickets", "status=assigned&cursor=old&limit=2"), "new");
        assert_eq!(link, "</api/v1/tickets?status=assigned&limit=2&cursor=new>; rel=\"next\"");
        assert_eq!(next_link(("/api/v1/tickets", ""), "c"), "</api/v1/tickets?cursor=c>; rel=\"next\"");
    }
}
