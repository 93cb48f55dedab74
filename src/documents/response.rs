//! Records as JSON or as documents: what is common to all forms.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;
use uuid::Uuid;

use super::cell::Cell;
use super::format::ReportFormat;
use super::html::POLICY;
use super::model::{Block, Document, FormHead, Head, Part};
use super::{html, pdf, xlsx};
use crate::audit::log::{self, AuditResource};
use crate::config::Config;
use crate::config::forms::FormCode;
use crate::http::negotiation::Format;
use crate::http::paging::{Paging, Seal};
use crate::http::{Actor, Answer, Call, etag};
use crate::language::{Locale, Text, locale};
use crate::problem::{Code, Problem, Result};

/// The most records of one document: those of the largest page of a list.
pub const MOST: usize = 200;

/// What a request reads.
pub enum Found<T> {
    Json(Answer),
    File(File<T>),
}

/// The records of a document.
pub struct File<T> {
    pub format: ReportFormat,
    pub records: Vec<T>,
    /// Identifier and version of a single record.
    pub version: Option<(Uuid, i32)>,
}

/// The kind of records.
pub struct Kind {
    pub resource: AuditResource,
    /// The name of the file, without its extension.
    pub file_name: &'static str,
}

/// What a form is made with, besides its records.
pub struct Setting<'a> {
    pub config: &'a Config,
    pub locale: Locale,
}

impl Setting<'_> {
    /// A text in the language of the document.
    pub fn say(&self, es: &'static str, en: &'static str) -> &'static str {
        match self.locale {
            Locale::Es => es,
            Locale::En => en,
        }
    }

    /// The day of a moment by the entity's clock.
    pub fn day(&self, moment: DateTime<Utc>) -> String {
        Cell::Day(moment.with_timezone(&self.config.timezone).date_naive()).shown(self.locale)
    }

    /// How a signature in the system is noted under the name.
    pub fn signed_at(&self, moment: DateTime<Utc>) -> String {
        let moment = self.locale.moment(moment, self.config.timezone);
        format!("{} {moment}", self.say("Firmado en el sistema el", "Signed in the system on"))
    }

    /// A form with the entity's logo and its code.
    pub fn form(&self, title: &str, code: &FormCode, landscape: bool, parts: Vec<Part>) -> Document {
        let FormCode { code, version, valid_from } = code.clone();
        let none = self.say("No hay registros.", "There are no records.");
        let parts = match parts.is_empty() {
            true => vec![Part {
                name: title.to_owned(),
                new_page: false,
                blocks: vec![Block::Text(none.to_owned())],
            }],
            false => parts,
        };
        Document {
            locale: self.locale,
            entity: self.config.entity.name.clone(),
            logo: self.config.entity.logo.clone(),
            title: title.to_owned(),
            head: Head::Form(FormHead {
                process: self.config.forms.process.clone(),
                code,
                version,
                valid_from,
            }),
            landscape,
            parts,
        }
    }
}

impl<T> Found<T> {
    /// One record as a document.
    pub fn one(format: ReportFormat, record: T, id: Uuid, version: i32) -> Self {
        Found::File(File { format, records: vec![record], version: Some((id, version)) })
    }

    /// All records of a list, read with the paging of [`whole_list`].
    ///
    /// # Errors
    /// [`Code::InvalidQuery`] if there are more than a document has.
    pub fn all(format: ReportFormat, records: Vec<T>) -> Result<Self> {
        if records.len() > MOST {
            let detail = Text::made(
                format!("Un documento tiene hasta {MOST} registros; reduzca la lista con los filtros."),
                format!("A document has up to {MOST} records; use the filters to shorten the list."),
            );
            return Err(Problem::new(Code::InvalidQuery, detail));
        }
        Ok(Found::File(File { format, records, version: None }))
    }
}

/// The paging of a list that becomes a document: its first page has all records, and one more if there are too many.
pub fn whole_list() -> Paging {
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    Paging { limit: Some(limit), cursor: None, with_total: false, seal: Seal(vec![Vec::new()]) }
}

/// Serves records as JSON, or as the document that `make` makes of them without a database connection. `read` gets the
/// `Accept` header.
pub async fn serve<T, R, M>(
    call: Call,
    request: HttpRequest,
    kind: Kind,
    read: R,
    make: M,
) -> Result<HttpResponse>
where
    T: Send + 'static,
    R: FnOnce(&mut PgConnection, &Actor, &str) -> Result<Found<T>> + Send + 'static,
    M: FnOnce(Vec<T>, &Setting<'_>) -> Document + Send + 'static,
{
    let text = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let (accept, known) = (text(ACCEPT), text(IF_NONE_MATCH));
    let of_account = request.extensions().get::<Locale>().copied();
    let locale = locale::asked(&request).or(of_account).unwrap_or(Locale::Es);
    let found = call.look(move |db, actor| Ok((read(db, actor, &accept)?, actor.clone())));
    let (File { format, records, version }, actor) = match found.await? {
        (Found::Json(answer), _) => {
            let mut response = call.respond(answer);
            let is_unchanged = response.status() == StatusCode::NOT_MODIFIED;
            let headers = response.headers_mut();
            headers.append(VARY, HeaderValue::from_static("Accept"));
            if !is_unchanged {
                let file_name = format!("inline; filename=\"{}.json\"", kind.file_name);
                headers.insert(CONTENT_DISPOSITION, file_name.parse().map_err(Problem::internal)?);
                headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            }
            return Ok(response);
        }
        (Found::File(file), actor) => (file, actor),
    };
    let desk = call.desk.clone();
    let write = move || {
        let setting = Setting { config: &desk.config, locale };
        write(format, &make(records, &setting), &actor).map(|content| (content, actor))
    };
    let (content, actor) = web::block(write).await.map_err(Problem::internal)??;
    let id = version.map(|(id, _)| id.to_string());
    let etag = match version {
        Some((id, version)) => etag::of_representation(id, version, &content),
        // A list has no version.
        None => etag::of_content(&content),
    };
    if etag::names(&known, &etag) {
        return Ok(HttpResponse::NotModified()
            .insert_header((ETAG, etag))
            .insert_header((VARY, "Accept, Accept-Language"))
            .finish());
    }
    let details = json!({"format": format.as_str()});
    let export = move |db: &mut PgConnection| log::record_export(db, &actor, kind.resource, id, details);
    call.desk.db.run(export).await?;
    let shown = if format == ReportFormat::Html { "inline" } else { "attachment" };
    let charset = if format == ReportFormat::Html { "; charset=utf-8" } else { "" };
    let file_name = format!("{shown}; filename=\"{}.{}\"", kind.file_name, format.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, etag))
        .insert_header((CONTENT_TYPE, format!("{}{charset}", format.media_type())))
        .insert_header((CONTENT_DISPOSITION, file_name))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((VARY, "Accept, Accept-Language"))
        .body(content))
}

fn write(format: ReportFormat, document: &Document, actor: &Actor) -> Result<Vec<u8>> {
    match format {
        ReportFormat::Json => Err(Problem::internal("JSON is not a document")),
        ReportFormat::Html => html::write(document),
        ReportFormat::Xlsx => xlsx::write(document, actor.now.with_timezone(&actor.timezone).date_naive()),
        ReportFormat::Pdf => pdf::write(document),
    }
}
