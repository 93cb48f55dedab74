//! The absences of all people.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::absences::{Absence, AbsenceKind, AbsenceSort, Row};
use crate::auth::policy::Action;
use crate::db::schema::absences;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Call, Query};
use crate::problem::Result;

/// Filters for the list of the absences of all people. `ends_from` and `starts_before` together select the absences
/// that overlap a period.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AllAbsenceFilters {
    /// Absences of this person; of all people if omitted. Repeat it for several people.
    #[serde(default)]
    #[param(required = false)]
    user_id: Vec<Uuid>,
    /// Absences of this kind; of all kinds if omitted. Repeat it for several kinds.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<AbsenceKind>,
    /// Absences that end at this moment or later: with the begin of a period, those that end within it or later.
    ends_from: Option<DateTime<Utc>>,
    /// Absences that begin before this moment: with the end of a period, those that begin within it or earlier.
    starts_before: Option<DateTime<Utc>>,
    /// `starts_at` (the default), the earliest first, or `-starts_at`, the latest first.
    #[param(inline)]
    sort: Option<AbsenceSort>,
}

/// List absences
///
/// Of all people, past and future, in the order in which they begin. For the absences in a period send its begin as
/// `ends_from` and its end as `starts_before`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "absences", operation_id = "listAbsences", params(Paging, AllAbsenceFilters),
    responses((status = 200, body = Page<Absence>, description = "One page of the absences"))
)]
#[get("/absences")]
pub async fn list(call: Call, query: Query<AllAbsenceFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(AbsenceSort::StartsAscending).as_str();
        let filtered = || {
            let mut query = absences::table.into_boxed();
            if !filters.user_id.is_empty() {
                query = query.filter(absences::user_id.eq_any(&filters.user_id));
            }
            if !filters.kind.is_empty() {
                query = query.filter(absences::kind.eq_any(&filters.kind));
            }
            if let Some(moment) = filters.ends_from {
                query = query.filter(absences::ends_at.ge(moment));
            }
            if let Some(moment) = filters.starts_before {
                query = query.filter(absences::starts_at.lt(moment));
            }
            query
        };
        let (rows, total) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (absences::starts_at as DateTime<Utc>, absences::id as Uuid),
            Row::as_select()
        );
        let items = Absence::present(db, rows)?;
        paging.answer(sort, items, total, Absence::place)
    })
    .await
}
