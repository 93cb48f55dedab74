//! The progress of an improvement action (seguimiento): entries that never change.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ActionStatus, check_exists, lock};
use crate::auth::policy::Action;
use crate::db::schema::{improvement_followups as followups, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Answer, Body, Call, Query};
use crate::people::Person;
use crate::problem::{Problem, Result};

/// An entry about the progress of an improvement action.
#[derive(Serialize, ToSchema)]
pub struct ImprovementFollowup {
    /// Identifier of the followup.
    id: Uuid,
    /// The person who wrote it.
    pub(super) author: Person,
    /// The text of the followup.
    #[schema(max_length = 20_000, example = "Se acordó el turno con Talento Humano.")]
    pub(super) body: String,
    /// The progress of the action in percent (avance); `null` if not stated.
    #[schema(minimum = 0, maximum = 100, example = 50)]
    pub(super) progress: Option<i16>,
    /// The time at which it was written.
    pub(super) created_at: DateTime<Utc>,
}

/// An entry to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImprovementFollowupCreate {
    /// The text of the followup: at least one character that is not white space, at most 4000 characters.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "Se acordó el turno con Talento Humano."
    )]
    body: String,
    /// The progress of the action in percent (avance). Optional.
    #[schema(minimum = 0, maximum = 100, example = 50)]
    progress: Option<i16>,
}

type Row = (Uuid, Person, String, Option<i16>, DateTime<Utc>);

fn followup((id, author, body, progress, created_at): Row) -> ImprovementFollowup {
    ImprovementFollowup { id, author, body, progress, created_at }
}

/// The columns of a followup and its author.
macro_rules! columns {
    () => {
        (followups::id, Person::as_select(), followups::body, followups::progress, followups::created_at)
    };
}

/// All followups of an action, in the order in which they were written.
pub(super) fn all(db: &mut PgConnection, action_id: Uuid) -> Result<Vec<ImprovementFollowup>> {
    let rows: Vec<Row> = followups::table
        .inner_join(users::table)
        .filter(followups::action_id.eq(action_id))
        .order((followups::created_at, followups::id))
        .select(columns!())
        .load(db)?;
    Ok(rows.into_iter().map(followup).collect())
}

/// The latest followup of each of these actions that has one.
pub(super) fn latest(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, ImprovementFollowup)>> {
    let rows: Vec<(Uuid, Row)> = followups::table
        .inner_join(users::table)
        .filter(followups::action_id.eq_any(ids))
        .distinct_on(followups::action_id)
        .order((followups::action_id, followups::created_at.desc(), followups::id.desc()))
        .select((followups::action_id, columns!()))
        .load(db)?;
    Ok(rows.into_iter().map(|(action_id, row)| (action_id, followup(row))).collect())
}

/// List the followups of an improvement action
///
/// In the order in which they were written.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "improvement actions", operation_id = "listImprovementActionFollowups",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action."), Paging),
    responses((status = 200, body = Page<ImprovementFollowup>, description = "One page of the followups"))
)]
#[get("/improvement-actions/{action_id}/followups")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        check_exists(db, *id)?;
        let (paging, _) = query.read_list()?;
        let filtered =
            || followups::table.inner_join(users::table).filter(followups::action_id.eq(*id)).into_boxed();
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            "created_at",
            filtered,
            (followups::created_at as DateTime<Utc>, followups::id as Uuid),
            columns!()
        );
        let items: Vec<ImprovementFollowup> = rows.into_iter().map(followup).collect();
        paging.answer("created_at", items, total, |entry| (entry.created_at, entry.id))
    })
    .await
}

/// Read a followup of an improvement action
///
/// The text, the progress, the author and the time.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "improvement actions", operation_id = "getImprovementActionFollowup",
    params(
        ("action_id" = Uuid, Path, description = "Identifier of the improvement action."),
        ("followup_id" = Uuid, Path, description = "Identifier of the followup; a 404 if it is of another improvement action."),
    ),
    responses((status = 200, body = ImprovementFollowup, description = "The followup"))
)]
#[get("/improvement-actions/{action_id}/followups/{followup_id}")]
pub async fn read(call: Call, path: Path<(Uuid, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let (action_id, id) = path.into_inner();
        let found: Row = followups::table
            .inner_join(users::table)
            .filter(followups::id.eq(id))
            .filter(followups::action_id.eq(action_id))
            .select(columns!())
            .first(db)?;
        Ok(Answer::ok(&followup(found))?.version(id, 1))
    })
    .await
}

/// Add a followup to an improvement action
///
/// Until its efficacy is verified, by its owner, a professional or the director; to a draft by any member of staff. A
/// followup never changes.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "improvement actions", operation_id = "createImprovementActionFollowup",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action.")),
    request_body = ImprovementFollowupCreate,
    responses(
        (status = 201, body = ImprovementFollowup, description = "The new followup"),
        (status = 409, description = "`wrong_state`"),
    )
)]
#[post("/improvement-actions/{action_id}/followups")]
pub async fn add(call: Call, id: Path<Uuid>, body: Body<ImprovementFollowupCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let (row, _) = lock(tx, *id)?;
        let new = body.read()?;
        if matches!(row.status, ActionStatus::Effective | ActionStatus::Ineffective) {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.may_write(row.status == ActionStatus::Draft || row.owner_id == actor.id)?;
        let entry = ImprovementFollowup {
            id: Uuid::now_v7(),
            author: actor.person(),
            body: new.body,
            progress: new.progress,
            created_at: actor.now,
        };
        diesel::insert_into(followups::table)
            .values((
                followups::id.eq(entry.id),
                followups::action_id.eq(row.id),
                followups::author_id.eq(actor.id),
                followups::body.eq(&entry.body),
                followups::progress.eq(entry.progress),
                followups::created_at.eq(actor.now),
            ))
            .execute(tx)?;
        let location = format!("/api/v1/improvement-actions/{}/followups/{}", row.id, entry.id);
        Ok(Answer::created(location, &entry)?.version(entry.id, 1))
    })
    .await
}
