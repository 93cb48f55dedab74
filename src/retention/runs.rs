//! The record of removals.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::RetentionKind;
use crate::auth::policy::Action;
use crate::db::schema::retention_runs;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a list of retention runs.
    pub enum RemovedSort {
        Descending = "-removed_at",
        Ascending = "removed_at",
    }
}

/// Records of a kind that were removed together.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = retention_runs)]
pub struct RetentionRun {
    /// Identifier of the run.
    id: Uuid,
    /// The kind of the removed records.
    kind: RetentionKind,
    /// The months of the rule when the records were removed.
    #[schema(minimum = 1, maximum = 1200, example = 24)]
    #[serde(rename = "retention_months")]
    months: i32,
    /// Records that ended before this moment were removed.
    #[serde(rename = "cutoff_at")]
    up_to: DateTime<Utc>,
    /// The number of removed records.
    #[schema(minimum = 1, example = 132)]
    #[serde(rename = "removed_count")]
    removed: i32,
    /// The time of the removal.
    removed_at: DateTime<Utc>,
}

/// Filters for the list of retention runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RetentionRunFilters {
    /// Runs that removed records of this kind. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<RetentionKind>,
    /// `-removed_at` (the default) or `removed_at`.
    #[param(inline)]
    sort: Option<RemovedSort>,
}

/// List retention runs
///
/// With the kind, the count, the limit and the time of each removal. A large removal is split into several entries,
/// each written in the transaction of its removal. The list cannot be changed.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention))),
    tag = "retention", operation_id = "listRetentionRuns", params(Paging, RetentionRunFilters),
    responses((status = 200, body = Page<RetentionRun>, description = "One page of the retention runs"))
)]
#[get("/retention-runs")]
pub async fn list(call: Call, query: Query<RetentionRunFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(RemovedSort::Descending).as_str();
        let filtered = || {
            let mut query = retention_runs::table.into_boxed();
            query = among!(query, retention_runs::kind, filters.kind);
            query
        };
        let (items, total): (Vec<RetentionRun>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (retention_runs::removed_at as DateTime<Utc>, retention_runs::id as Uuid),
            RetentionRun::as_select()
        );
        paging.answer(sort, items, total, |run| (run.removed_at, run.id))
    })
    .await
}
