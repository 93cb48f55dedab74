//! The absences of all people.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::absences::{self, Absence, AbsenceKind, AbsenceSort};
use crate::auth::policy::Action;
use crate::db::schema::absences as table;
use crate::http::paging::{Page, Paging, among};
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
        let filtered = || {
            let query = absences::matching(&filters.kind, filters.ends_from, filters.starts_before);
            among!(query, table::user_id, filters.user_id)
        };
        absences::page(db, &paging, filters.sort, filtered)
    })
    .await
}
