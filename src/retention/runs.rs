//! What was removed, and when.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::RetentionKind;
use crate::auth::policy::Action;
use crate::db::schema::retention_runs;
use crate::http::paging::{Page, Paging, read_page};
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
    id: Uuid,
    kind: RetentionKind,
    /// As the rule had it.
    #[schema(minimum = 1, maximum = 1200, example = 24)]
    months: i32,
    /// What was over before this moment went.
    up_to: DateTime<Utc>,
    /// How many.
    #[schema(minimum = 1, example = 132)]
    removed: i32,
    removed_at: DateTime<Utc>,
}

/// Which to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RetentionRunFilters {
    kind: Option<RetentionKind>,
    /// `-removed_at` (the default) or `removed_at`.
    #[param(inline)]
    sort: Option<RemovedSort>,
}

/// List retention runs
///
/// By count and kind, up to which moment, and when. Many records of a kind go in several parts, each with an entry of its own
/// that is written with their removal. Nothing changes this list.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention))),
    tag = "retention", operation_id = "listRetentionRuns", params(Paging, RetentionRunFilters),
    responses((status = 200, body = Page<RetentionRun>))
)]
#[get("/retention-runs")]
pub async fn list(call: Call, query: Query<RetentionRunFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(RemovedSort::Descending).as_str();
        let filtered = || {
            let mut query = retention_runs::table.into_boxed();
            if let Some(kind) = filters.kind {
                query = query.filter(retention_runs::kind.eq(kind));
            }
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
