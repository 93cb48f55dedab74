//! Public holidays. They affect calendars with `PH` and working hours.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{holiday_fields, policies};
use crate::auth::policy::Action;
use crate::db::schema::holidays;
use crate::db::{contains, fold};
use crate::holidays::HolidayKind;
use crate::http::actor::next_version;
use crate::http::body::{EmptyBody, Patch};
use crate::http::catalogue::NameSort;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Answer, Body, Call, Query};
use crate::problem::{Problem, Result};

/// A public holiday: the rule by which its date is determined.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = holidays)]
pub struct Holiday {
    /// Identifier of the public holiday.
    id: Uuid,
    /// The name of the public holiday.
    #[schema(max_length = 200, example = "Virgen de Chiquinquirá")]
    pub(super) name: String,
    /// How the date of the holiday is determined.
    pub(super) kind: HolidayKind,
    /// The month, for `fixed` and `following_monday`; otherwise `null`.
    #[schema(minimum = 1, maximum = 12, example = 7)]
    pub(super) month: Option<i16>,
    /// The day of the month, for `fixed` and `following_monday`; otherwise `null`.
    #[schema(minimum = 1, maximum = 31, example = 9)]
    pub(super) day: Option<i16>,
    /// Days after Easter Sunday, negative before it, for `easter`; otherwise `null`.
    #[schema(minimum = -80, maximum = 250)]
    pub(super) days_from_easter: Option<i16>,
    /// The date, for `date`; otherwise `null`.
    pub(super) date: Option<NaiveDate>,
    /// The first year of the holiday; `null` if it has no first year, and for `date`.
    #[schema(minimum = 1900, maximum = 9999, example = 2026)]
    pub(super) first_year: Option<i32>,
    /// The last year of the holiday; `null` if it has no last year, and for `date`.
    #[schema(minimum = 1900, maximum = 9999)]
    pub(super) last_year: Option<i32>,
    /// Whether it is one of the Colombian holidays included in the product: only its `last_year` can be changed, and
    /// it cannot be removed.
    pub(super) shipped: bool,
    /// When the holiday was created.
    created_at: DateTime<Utc>,
    /// When the holiday was last changed.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
    #[serde(skip)]
    name_key: String,
}

impl Holiday {
    fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

/// A holiday to create. `fixed` and `following_monday` require `month` and `day`, `easter` requires
/// `days_from_easter` and `date` requires `date`; the fields of other kinds are not allowed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayCreate {
    /// The name of the public holiday.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Día cívico del municipio")]
    name: String,
    /// How the date of the holiday is determined.
    #[schema(example = "fixed")]
    kind: HolidayKind,
    /// The month. Required for `fixed` and `following_monday`, not allowed for other kinds.
    #[schema(minimum = 1, maximum = 12, example = 4)]
    month: Option<i16>,
    /// The day of the month. Required for `fixed` and `following_monday`, not allowed for other kinds. 29 February is a
    /// holiday in leap years only.
    #[schema(minimum = 1, maximum = 31, example = 20)]
    day: Option<i16>,
    /// Days after Easter Sunday, negative before it. Required for `easter`, not allowed for other kinds.
    #[schema(minimum = -80, maximum = 250)]
    days_from_easter: Option<i16>,
    /// The date, in the year 1900 or later. Required for `date`, not allowed for other kinds.
    date: Option<NaiveDate>,
    /// The first year of the holiday. If omitted, it has no first year. Not allowed for `date`.
    #[schema(minimum = 1900, maximum = 9999, example = 2027)]
    first_year: Option<i32>,
    /// The last year of the holiday, not before `first_year`. If omitted, it has no last year. Not allowed for `date`.
    #[schema(minimum = 1900, maximum = 9999)]
    last_year: Option<i32>,
}

/// The fields of a holiday that can be changed. The kind cannot change; of a shipped holiday only `last_year` can
/// change.
#[derive(Serialize, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = holidays, treat_none_as_null = true)]
#[serde(deny_unknown_fields)]
pub struct HolidayProfile {
    /// The name of the public holiday.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Día cívico del municipio")]
    pub(super) name: String,
    /// The month, for `fixed` and `following_monday` only.
    #[schema(minimum = 1, maximum = 12)]
    pub(super) month: Option<i16>,
    /// The day of the month, for `fixed` and `following_monday` only.
    #[schema(minimum = 1, maximum = 31)]
    pub(super) day: Option<i16>,
    /// Days after Easter Sunday, negative before it; for `easter` only.
    #[schema(minimum = -80, maximum = 250)]
    pub(super) days_from_easter: Option<i16>,
    /// The date, in the year 1900 or later; for `date` only.
    pub(super) date: Option<NaiveDate>,
    /// The first year of the holiday; `null` if it has no first year. Not allowed for `date`.
    #[schema(minimum = 1900, maximum = 9999)]
    pub(super) first_year: Option<i32>,
    /// The last year of the holiday, not before `first_year`; `null` if it has no last year. Not allowed for `date`.
    #[schema(minimum = 1900, maximum = 9999)]
    pub(super) last_year: Option<i32>,
}

/// Filters for the list of holidays.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HolidayFilters {
    /// `true`: only the holidays included in the product; `false`: only those that the entity added; all if omitted.
    shipped: Option<bool>,
    /// Only holidays of this kind. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<HolidayKind>,
    /// Only the holidays in force in this year.
    #[param(minimum = 1900, maximum = 9999)]
    year: Option<i32>,
    /// Only holidays whose name contains this text, ignoring accents and case.
    #[param(max_length = 200)]
    q: Option<String>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List holidays
///
/// The rules of the public holidays, in the order of the names. For their dates in one year see `GET /holiday-dates`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "holidays", operation_id = "listHolidays", params(Paging, HolidayFilters),
    responses((status = 200, body = Page<Holiday>, description = "One page of the holidays"))
)]
#[get("/holidays")]
pub async fn list(call: Call, query: Query<HolidayFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(NameSort::Ascending).as_str();
        let filtered = || {
            let mut query = holidays::table.into_boxed();
            if let Some(shipped) = filters.shipped {
                query = query.filter(holidays::shipped.eq(shipped));
            }
            query = among!(query, holidays::kind, filters.kind);
            if let Some(year) = filters.year {
                let dates = (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year, 12, 31));
                query = query
                    .filter(holidays::first_year.is_null().or(holidays::first_year.le(year)))
                    .filter(holidays::last_year.is_null().or(holidays::last_year.ge(year)))
                    .filter(holidays::date.is_null().or(holidays::date.ge(dates.0)))
                    .filter(holidays::date.is_null().or(holidays::date.le(dates.1)));
            }
            if let Some(text) = &filters.q {
                query = query.filter(holidays::name_key.like(fold(contains(text))));
            }
            query
        };
        let (items, total): (Vec<Holiday>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (holidays::name_key as String, holidays::id as Uuid),
            Holiday::as_select()
        );
        paging.answer(sort, items, total, |holiday| (holiday.name_key.clone(), holiday.id))
    })
    .await
}

/// Read a holiday
///
/// The rule by which its date is determined, and the years in which it is a holiday.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "holidays", operation_id = "getHoliday", params(("holiday_id" = Uuid, Path, description = "Identifier of the public holiday.")),
    responses((status = 200, body = Holiday, description = "The holiday"))
)]
#[get("/holidays/{holiday_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| holidays::table.find(*id).select(Holiday::as_select()).get_result(db)?.answer())
        .await
}

/// Create a holiday
///
/// Adds a holiday of the entity, for example one established by a new law. It takes effect immediately for shifts,
/// and for the attention of tickets received from then on. Existing due times do not change: see
/// `POST /attention-times/application`. The maximum is 500 holidays.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "holidays", operation_id = "createHoliday", request_body = HolidayCreate,
    responses(
        (status = 201, body = Holiday, description = "The new holiday"),
        (status = 409, description = "`already_exists`: a holiday with this name and kind and the same first year or \
            date exists; `no_due_time`: a calendar in use would not be open for long enough"),
    )
)]
#[post("/holidays")]
pub async fn create(call: Call, body: Body<HolidayCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        policies::lock(tx)?;
        let new = body.read_with(|value| Ok(holiday_fields::faults(value)))?;
        let holiday: Holiday = diesel::insert_into(holidays::table)
            .values((
                holidays::id.eq(Uuid::now_v7()),
                holidays::name.eq(new.name),
                holidays::kind.eq(new.kind),
                holidays::month.eq(new.month),
                holidays::day.eq(new.day),
                holidays::days_from_easter.eq(new.days_from_easter),
                holidays::date.eq(new.date),
                holidays::first_year.eq(new.first_year),
                holidays::last_year.eq(new.last_year),
                holidays::created_at.eq(actor.now),
                holidays::updated_at.eq(actor.now),
            ))
            .returning(Holiday::as_returning())
            .get_result(tx)?;
        policies::renew_holidays(tx, actor.timezone, actor.now)?;
        let location = format!("/api/v1/holidays/{}", holiday.id);
        Ok(Answer::created(location, &holiday)?.version(holiday.id, holiday.version))
    })
    .await
}

/// Change a holiday
///
/// The change takes effect like a new holiday: see `POST /holidays`. To end a holiday, set `last_year`; due times
/// that were computed before do not change.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "holidays", operation_id = "updateHoliday", params(("holiday_id" = Uuid, Path, description = "Identifier of the public holiday.")),
    request_body(content = HolidayProfile, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Holiday, description = "The holiday after the change"),
        (status = 409, description = "`already_exists`: a holiday with this name and kind and the same first year or \
            date exists; `no_due_time`: a calendar in use would not be open for long enough"),
    )
)]
#[patch("/holidays/{holiday_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<HolidayProfile>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        policies::lock(tx)?;
        let holiday = holidays::table.find(*id).select(Holiday::as_select()).for_update().get_result(tx)?;
        let current = HolidayProfile {
            name: holiday.name,
            month: holiday.month,
            day: holiday.day,
            days_from_easter: holiday.days_from_easter,
            date: holiday.date,
            first_year: holiday.first_year,
            last_year: holiday.last_year,
        };
        let (profile, changes) = body.merge_with(&current, |value| {
            let mut whole = value.clone();
            whole["kind"] = holiday.kind.as_str().into();
            holiday_fields::faults(&whole)
        })?;
        if holiday.shipped {
            holiday_fields::only_the_end_changes(&current, &profile)?;
        }
        actor.check_version(holiday.id, holiday.version)?;
        if !changes {
            return holidays::table.find(*id).select(Holiday::as_select()).get_result(tx)?.answer();
        }
        let holiday: Holiday = diesel::update(holidays::table.find(holiday.id))
            .set((profile, next_version!(holidays, holiday.version, actor)))
            .returning(Holiday::as_returning())
            .get_result(tx)?;
        policies::renew_holidays(tx, actor.timezone, actor.now)?;
        holiday.answer()
    })
    .await
}

/// Remove a holiday
///
/// For a holiday of the entity that was recorded by mistake. To end a holiday that is no longer observed, set
/// `last_year` instead; shipped holidays cannot be removed.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "holidays", operation_id = "deleteHoliday", params(("holiday_id" = Uuid, Path, description = "Identifier of the public holiday.")),
    responses(
        (status = 204, description = "The holiday is removed"),
        (status = 409, description = "`shipped_holiday`; `no_due_time`: a calendar in use would not be open for long enough"),
    )
)]
#[delete("/holidays/{holiday_id}")]
pub async fn remove(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        policies::lock(tx)?;
        let holiday = holidays::table.find(*id).select(Holiday::as_select()).for_update().get_result(tx)?;
        actor.check_version(holiday.id, holiday.version)?;
        if holiday.shipped {
            return Err(Problem::new(crate::problem::Code::ShippedHoliday, holiday_fields::shipped()));
        }
        diesel::delete(holidays::table.find(holiday.id)).execute(tx)?;
        policies::renew_holidays(tx, actor.timezone, actor.now)?;
        Ok(Answer::no_content())
    })
    .await
}
