//! Writing minutes, reading and changing them until they are signed.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use chrono::Datelike;
use diesel::prelude::*;
use uuid::Uuid;

use super::content::MeetingMinutesCreate;
use super::{Minutes, MinutesStatus, form, lock};
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::db::schema::minutes;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{Found, serve};
use crate::http::actor::next_version;
use crate::http::body::{Content, Patch};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Read minutes
///
/// The current content; once signed, it no longer changes. As JSON, or as the form FO-DE-01 Acta for people.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "meeting minutes", operation_id = "getMeetingMinutes",
    params(("minutes_id" = Uuid, Path, description = "Identifier of the minutes."), FormatQuery),
    responses((status = 200, description = "The minutes", content(
        (Minutes = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/meeting-minutes/{minutes_id}")]
pub async fn read(
    call: Call,
    id: Path<Uuid>,
    query: Query<FormatQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let load = move |db: &mut PgConnection, _: &Actor, accept: &str| match query.read()?.or_accepted(accept) {
        ReportFormat::Json => Minutes::answer(db, *id).map(Found::Json),
        format => {
            let found = Minutes::find(db, *id)?;
            let (id, version) = (found.id, found.version);
            Ok(Found::one(format, found, id, version))
        }
    };
    serve(call, request, form::KIND, load, form::document).await
}

/// Write minutes
///
/// Creates a draft with the next number of its year. Numbers have no gaps, so minutes cannot be deleted.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "meeting minutes", operation_id = "createMeetingMinutes", request_body = MeetingMinutesCreate,
    responses((status = 201, body = Minutes, description = "The new draft"))
)]
#[post("/meeting-minutes")]
pub async fn create(call: Call, body: Body<MeetingMinutesCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let mut content = body.read()?;
        content.check(tx)?;
        let id = Uuid::now_v7();
        // The database assigns the number: concurrent requests for the same year wait until this transaction ends.
        diesel::insert_into(minutes::table)
            .values((
                minutes::id.eq(id),
                content.columns(),
                minutes::created_by.eq(actor.id),
                minutes::created_at.eq(actor.now),
                minutes::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        content.write_parts(tx, id)?;
        log::record_parts(tx, actor, AuditResource::Minutes, id, content.parts(None))?;
        let written = Minutes::find(tx, id)?;
        Ok(Answer::created(format!("/api/v1/meeting-minutes/{id}"), &written)?
            .version(written.id, written.version))
    })
    .await
}

/// Change minutes
///
/// Until they are signed. They keep their number, so `held_on` must remain in its year. The lists are replaced as a
/// whole.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "meeting minutes", operation_id = "updateMeetingMinutes",
    params(("minutes_id" = Uuid, Path, description = "Identifier of the minutes.")),
    request_body(content = MeetingMinutesCreate, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Minutes, description = "The minutes after the change"),
        (status = 409, description = "`wrong_state`: they are signed"),
    )
)]
#[patch("/meeting-minutes/{minutes_id}")]
pub async fn change(
    call: Call,
    id: Path<Uuid>,
    body: Body<Patch<MeetingMinutesCreate>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = lock(tx, *id)?;
        let before = MeetingMinutesCreate::load(tx, &row)?;
        let (mut content, changes) = body.merge(&before)?;
        content.check(tx)?;
        if content.held_on.year() != row.held_on.year() {
            return Err(Problem::field(FieldError::new(
                "/held_on",
                FieldCode::NotAllowed,
                Text::new(
                    "El número del acta pertenece a su año; cree un acta nueva.",
                    "The number of these minutes belongs to their year; create new minutes.",
                ),
            )));
        }
        if row.status == MinutesStatus::Signed {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.check_version(row.id, row.version)?;
        diesel::update(minutes::table.find(row.id))
            .set((content.columns(), changes.then(|| next_version!(minutes, row.version, actor))))
            .execute(tx)?;
        if changes {
            content.write_parts(tx, row.id)?;
            log::record_parts(tx, actor, AuditResource::Minutes, row.id, content.parts(Some(&before)))?;
        }
        Minutes::answer(tx, row.id)
    })
    .await
}
