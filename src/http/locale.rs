//! The language an answer speaks to its reader.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ACCEPT_LANGUAGE, AcceptLanguage, Header, HeaderMap};

use crate::db::text_enum;

text_enum! {
    /// A language of the desk.
    pub enum Locale {
        /// Spanish, the default.
        Es = "es",
        /// English.
        En = "en",
    }
}

/// The reader's language by `Accept-Language`; none where it names neither of ours.
pub fn asked(request: &ServiceRequest) -> Option<Locale> {
    from_headers(request.request(), request.headers())
}

fn from_headers(request: &HttpRequest, headers: &HeaderMap) -> Option<Locale> {
    headers.get(ACCEPT_LANGUAGE)?;
    let ranked = AcceptLanguage::parse(request).ok()?.ranked();
    ranked.iter().find_map(|preference| {
        let tag = preference.item()?.as_str().to_ascii_lowercase();
        match tag.split('-').next() {
            Some("es") => Some(Locale::Es),
            Some("en") => Some(Locale::En),
            _ => None,
        }
    })
}
