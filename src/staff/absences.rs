//! Absences: periods in which a member of staff does not work, even if on shift.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::policy::Action;
use crate::db::schema::absences;
use crate::http::actor::next_version;
use crate::http::body::{EmptyBody, Patch};
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::people::user::User;
use crate::people::users;
use crate::people::{Person, person};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::workload::{self, OpenTicket};

text_enum! {
    /// The reason of an absence.
    pub enum AbsenceKind {
        /// Vacation.
        Holiday = "holiday",
        /// Sick leave.
        SickLeave = "sick_leave",
        /// Training.
        Course = "course",
        /// Any other reason.
        Other = "other",
    }
}

/// A period in which a person does not work.
#[derive(Serialize, ToSchema)]
pub struct Absence {
    /// Identifier of the absence.
    id: Uuid,
    /// The person who does not work.
    user: Person,
    /// The kind of absence.
    kind: AbsenceKind,
    /// When the absence begins.
    starts_at: DateTime<Utc>,
    /// When the absence ends: the first moment at which the person is back.
    ends_at: DateTime<Utc>,
    /// A note for staff; `null` if there is none.
    #[schema(max_length = 4000, example = "Vacaciones de fin de año.")]
    note: Option<String>,
    /// The person who recorded the absence.
    created_by: Person,
    /// When the absence was recorded.
    created_at: DateTime<Utc>,
    /// When the absence was last changed.
    updated_at: DateTime<Utc>,
}

/// An absence that was just recorded.
#[derive(Serialize, ToSchema)]
pub struct RecordedAbsence {
    #[serde(flatten)]
    absence: Absence,
    /// The open tickets of the person, the most critical first. To reassign them all, use
    /// `POST /users/{user_id}/handover`.
    open_tickets: Vec<OpenTicket>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = absences)]
pub(super) struct Row {
    id: Uuid,
    user_id: Uuid,
    kind: AbsenceKind,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    note: Option<String>,
    created_by: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

impl Absence {
    /// The absences as the API represents them, with the names of their people.
    pub(super) fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Self>> {
        let people = person::by_id(db, rows.iter().flat_map(|row| [row.user_id, row.created_by]))?;
        let person =
            |id| people.get(&id).cloned().ok_or_else(|| Problem::internal("an absence without a person"));
        let absence = |row: Row| {
            Ok(Absence {
                id: row.id,
                user: person(row.user_id)?,
                kind: row.kind,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                note: row.note,
                created_by: person(row.created_by)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        };
        rows.into_iter().map(absence).collect()
    }

    /// Its place in a list.
    pub(super) fn place(&self) -> (DateTime<Utc>, Uuid) {
        (self.starts_at, self.id)
    }

    fn one(db: &mut PgConnection, row: Row) -> Result<Self> {
        Self::present(db, vec![row])?.pop().ok_or_else(Problem::not_found)
    }
}

/// The fields of an absence that can be set and changed.
#[derive(Serialize, Deserialize, Insertable, AsChangeset, ToSchema)]
#[diesel(table_name = absences, treat_none_as_null = true)]
#[serde(deny_unknown_fields)]
pub struct AbsenceCreate {
    /// The kind of absence.
    kind: AbsenceKind,
    /// When the absence begins. It may be in the past.
    #[schema(example = "2026-12-14T13:00:00Z")]
    starts_at: DateTime<Utc>,
    /// When the absence ends, after `starts_at`: the first moment at which the person is back.
    #[schema(example = "2027-01-04T13:00:00Z")]
    ends_at: DateTime<Utc>,
    /// A note for staff; `null` for none.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "Vacaciones de fin de año.")]
    note: Option<String>,
}

impl AbsenceCreate {
    fn check(&self) -> Result<()> {
        if self.ends_at > self.starts_at {
            return Ok(());
        }
        Err(Problem::field(FieldError::new(
            "/ends_at",
            FieldCode::OutOfRange,
            Text::new("Debe ser posterior a `starts_at`.", "It must be after `starts_at`."),
        )))
    }
}

text_enum! {
    /// The order of a list of absences.
    pub enum AbsenceSort {
        StartsAscending = "starts_at",
        StartsDescending = "-starts_at",
    }
}

/// Filters for the list of absences.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AbsenceFilters {
    /// Only absences of this kind; repeat it for several kinds.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<AbsenceKind>,
    /// Only absences that end at this moment or later.
    ends_from: Option<DateTime<Utc>>,
    /// Only absences that begin before this moment.
    starts_before: Option<DateTime<Utc>>,
    /// `starts_at` (the default) or `-starts_at`.
    #[param(inline)]
    sort: Option<AbsenceSort>,
}

/// List the absences of a person
///
/// Past and future absences, in the order in which they begin.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "absences", operation_id = "listUserAbsences", params(("user_id" = Uuid, Path, description = "Identifier of the user."), Paging, AbsenceFilters),
    responses((status = 200, body = Page<Absence>, description = "One page of the absences"))
)]
#[get("/users/{user_id}/absences")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<AbsenceFilters>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let user = User::find(db, *id)?;
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            matching(&filters.kind, filters.ends_from, filters.starts_before)
                .filter(absences::user_id.eq(user.id))
        };
        page(db, &paging, filters.sort, filtered)
    })
    .await
}

/// The absences of these kinds (of any, if there are none) that overlap the period, in no order.
pub(super) fn matching(
    kinds: &[AbsenceKind],
    ends_from: Option<DateTime<Utc>>,
    starts_before: Option<DateTime<Utc>>,
) -> absences::BoxedQuery<'_, Pg> {
    let mut query = absences::table.into_boxed();
    query = among!(query, absences::kind, kinds);
    if let Some(moment) = ends_from {
        query = query.filter(absences::ends_at.ge(moment));
    }
    if let Some(moment) = starts_before {
        query = query.filter(absences::starts_at.lt(moment));
    }
    query
}

/// One page of the absences that `filtered` returns.
pub(super) fn page<'a>(
    db: &mut PgConnection,
    paging: &Paging,
    sort: Option<AbsenceSort>,
    filtered: impl Fn() -> absences::BoxedQuery<'a, Pg>,
) -> Result<Answer> {
    let sort = sort.unwrap_or(AbsenceSort::StartsAscending).as_str();
    let (rows, total) = read_page!(
        db,
        *paging,
        sort,
        filtered,
        (absences::starts_at as DateTime<Utc>, absences::id as Uuid),
        Row::as_select()
    );
    let items = Absence::present(db, rows)?;
    paging.answer(sort, items, total, Absence::place)
}

/// Record an absence of a person
///
/// Automatic assignment skips a person during an absence. Returns the absence and the open tickets of the person. An
/// absence cannot be recorded for a person whose role is above that of the caller.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "absences", operation_id = "createUserAbsence", params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    request_body = AbsenceCreate,
    responses((status = 201, body = RecordedAbsence, description = "The new absence, and the open tickets of the person"))
)]
#[post("/users/{user_id}/absences")]
pub async fn record(call: Call, id: Path<Uuid>, body: Body<AbsenceCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let user = User::find(tx, *id)?;
        users::may_manage(actor, user.role)?;
        let profile = body.read()?;
        profile.check()?;
        user.must_be_staff()?;
        let row: Row = diesel::insert_into(absences::table)
            .values((
                absences::id.eq(Uuid::now_v7()),
                absences::user_id.eq(user.id),
                absences::created_by.eq(actor.id),
                absences::created_at.eq(actor.now),
                absences::updated_at.eq(actor.now),
                profile,
            ))
            .returning(Row::as_returning())
            .get_result(tx)?;
        let (id, version) = (row.id, row.version);
        let location = format!("/api/v1/absences/{id}");
        let open_tickets = workload::open_tickets(tx, user.id)?;
        let recorded = RecordedAbsence { absence: Absence::one(tx, row)?, open_tickets };
        Ok(Answer::created(location, &recorded)?.version(id, version))
    })
    .await
}

/// Read an absence
///
/// The period, the kind and the note of the absence, and who recorded it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "absences", operation_id = "getAbsence", params(("absence_id" = Uuid, Path, description = "Identifier of the absence.")),
    responses((status = 200, body = Absence, description = "The absence"))
)]
#[get("/absences/{absence_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let row = absences::table.find(*id).select(Row::as_select()).get_result::<Row>(db)?;
        let (id, version) = (row.id, row.version);
        Ok(Answer::ok(&Absence::one(db, row)?)?.version(id, version))
    })
    .await
}

/// Change an absence
///
/// For example, if it begins or ends at another time than planned.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "absences", operation_id = "updateAbsence", params(("absence_id" = Uuid, Path, description = "Identifier of the absence.")),
    request_body(content = AbsenceCreate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Absence, description = "The absence after the change"))
)]
#[patch("/absences/{absence_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<AbsenceCreate>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = lock(tx, actor, *id)?;
        let (profile, changes) = body.merge(&AbsenceCreate {
            kind: row.kind,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            note: row.note,
        })?;
        profile.check()?;
        actor.check_version(row.id, row.version)?;
        let row: Row = diesel::update(absences::table.find(row.id))
            .set((profile, changes.then(|| next_version!(absences, row.version, actor))))
            .returning(Row::as_returning())
            .get_result(tx)?;
        let (id, version) = (row.id, row.version);
        Ok(Answer::ok(&Absence::one(tx, row)?)?.version(id, version))
    })
    .await
}

/// Remove an absence
///
/// For an absence that does not take place. If it ended early, change `ends_at` instead.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "absences", operation_id = "deleteAbsence", params(("absence_id" = Uuid, Path, description = "Identifier of the absence.")),
    responses((status = 204, description = "The absence is removed"))
)]
#[delete("/absences/{absence_id}")]
pub async fn remove(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let row = lock(tx, actor, *id)?;
        actor.check_version(row.id, row.version)?;
        diesel::delete(absences::table.find(row.id)).execute(tx)?;
        Ok(Answer::no_content())
    })
    .await
}

/// The absence, if the caller may manage the person; locked until the end of the transaction.
fn lock(tx: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<Row> {
    let row: Row = absences::table.find(id).select(Row::as_select()).for_update().get_result(tx)?;
    users::may_manage(actor, User::find(tx, row.user_id)?.role)?;
    Ok(row)
}
