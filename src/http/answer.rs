//! A successful response, made in the database transaction and kept unchanged for a retry.

use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::Serialize;

use super::etag;
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
    /// The response to an earlier request with the same `Idempotency-Key`.
    pub replayed: bool,
}

/// The size in bytes of most bodies. A buffer that begins empty is copied eight times until it has this size.
const USUAL: usize = 8 << 10;

impl Answer {
    pub fn ok(body: &impl Serialize) -> Result<Self> {
        let mut text = Vec::with_capacity(USUAL);
        serde_json::to_writer(&mut text, body).map_err(Problem::internal)?;
        // Many slow clients would each hold what is not used.
        text.shrink_to_fit();
        Ok(Answer {
            status: StatusCode::OK,
            etag: None,
            location: None,
            next_cursor: None,
            body: text,
            replayed: false,
        })
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
            replayed: false,
        }
    }

    /// 202, without a body: the work is done later.
    pub fn accepted() -> Self {
        Answer { status: StatusCode::ACCEPTED, ..Self::no_content() }
    }

    /// 202, with what will be worked on.
    pub fn accepted_with(body: &impl Serialize) -> Result<Self> {
        Ok(Answer { status: StatusCode::ACCEPTED, ..Self::ok(body)? })
    }

    /// Adds the `ETag` of the resource with this identifier, at this version and in this representation.
    pub fn version(mut self, id: impl Display, version: impl Display) -> Self {
        self.etag = Some(etag::of_representation(id, version, &self.body));
        self
    }

    /// Adds the `ETag` of a representation without a version, such as a page of a list.
    pub fn content_tag(mut self) -> Self {
        self.etag = Some(etag::of_content(&self.body));
        self
    }

    /// `if_none_match`: the request's header; if it names the ETag, the response is a 304. `url`: path and query of
    /// the request, for the link to the next page.
    pub fn respond(self, if_none_match: Option<&str>, url: (&str, &str)) -> HttpResponse {
        if self.status == StatusCode::OK
            && let (Some(etag), Some(known)) = (&self.etag, if_none_match)
            && etag::names(known, etag)
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
        if self.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
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
    fn the_next_link_keeps_the_filters_and_replaces_the_cursor() {
        let link = next_link(("/api/v1/tickets", "status=assigned&cursor=old&limit=2"), "new");
        assert_eq!(link, "</api/v1/tickets?status=assigned&limit=2&cursor=new>; rel=\"next\"");
        assert_eq!(next_link(("/api/v1/tickets", ""), "c"), "</api/v1/tickets?cursor=c>; rel=\"next\"");
    }
}
