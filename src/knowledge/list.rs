//! The list of articles, by date or by relevance to a search.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::articles::{ArticleStatus, ArticleVisibility};
use super::search::{self, ArticleSummary};
use crate::auth::policy::{Action, PermissionScope};
use crate::db::schema::articles;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::query::invalid;
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::problem::{Result, Text};

text_enum! {
    /// The order of a list of articles.
    pub enum ArticleSort {
        Relevance = "relevance",
        UpdatedDescending = "-updated_at",
        UpdatedAscending = "updated_at",
    }
}

/// Filters for the list of articles.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArticleFilters {
    /// Words to search for, in any inflection, with or without accents; `"two words"` matches a phrase, `-word`
    /// excludes a word, `or` separates alternatives. The last word also matches words that begin with it, if it has at
    /// least 3 letters, or 5 digits, and no space follows it. If nothing is found, words of 5 letters or more may
    /// differ in one letter.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Articles in this state. Repeat it to include several states. Requesters may only use `published`.
    #[serde(default)]
    #[param(required = false)]
    pub status: Vec<ArticleStatus>,
    /// Articles with this visibility; with any if omitted. Requesters may only use `public`.
    pub visibility: Option<ArticleVisibility>,
    /// Articles of this category. Repeat it to include several categories.
    #[serde(default)]
    #[param(required = false)]
    pub category_id: Vec<Uuid>,
    /// Articles written from this ticket; for staff only: a requester's request with it is rejected.
    #[param(minimum = 1)]
    pub ticket_id: Option<i64>,
    /// Published for the first time at this moment or later.
    pub published_from: Option<DateTime<Utc>>,
    /// Published for the first time before this moment.
    pub published_before: Option<DateTime<Utc>>,
    /// `relevance` (the default with `q`), `-updated_at` (the default otherwise), `updated_at`.
    #[param(inline)]
    pub sort: Option<ArticleSort>,
    /// Whether the caller may only see published public articles. These are searched in a separate index, so that the
    /// response time reveals nothing about the words of other articles.
    #[serde(skip)]
    pub only_public: bool,
    /// Whether each word may have a typing error.
    #[serde(skip)]
    pub near: bool,
}

/// List or search articles
///
/// With `q` the best match comes first, unless `sort` gives another order. Of more than 1,000 matches the newest 1,000 are
/// ranked, and the others follow, newest first. In the order of relevance, `excerpt` shows
/// the matching passage with `<mark>` around the words; everything else in it is escaped, so that it can be inserted
/// into a page as HTML. A requester only finds published public articles.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadArticles))),
    tag = "knowledge", operation_id = "listArticles", params(Paging, ArticleFilters),
    responses((status = 200, body = Page<ArticleSummary>, description = "One page of the articles"))
)]
#[get("/kb/articles")]
pub async fn list(call: Call, query: Query<ArticleFilters>) -> Result<HttpResponse> {
    call.from_standby()
        .await
        .read(|db, actor| {
            let (paging, mut filters): (Paging, ArticleFilters) = query.read_list()?;
            if actor.scope == PermissionScope::Published {
                let only = |wanted: bool| if wanted { Ok(()) } else { Err(not_offered()) };
                only(filters.ticket_id.is_none())?;
                only(filters.status.iter().all(|status| *status == ArticleStatus::Published))?;
                only(filters.visibility.is_none_or(|visibility| visibility == ArticleVisibility::Public))?;
                filters.status.clear();
                filters.visibility = None;
                filters.only_public = true;
            }
            let usual =
                if filters.q.is_some() { ArticleSort::Relevance } else { ArticleSort::UpdatedDescending };
            let sort = filters.sort.unwrap_or(usual);
            if sort == ArticleSort::Relevance && filters.q.is_none() {
                return Err(invalid(
                    "sort",
                    Text::new("`relevance` requiere `q`.", "`relevance` requires `q`."),
                ));
            }
            let mut found = page(db, &paging, &filters, sort)?;
            if found.0.is_empty() && filters.q.is_some() && nothing_matches(db, &paging, &filters)? {
                filters.near = true;
                found = page(db, &paging, &filters, sort)?;
            }
            let (items, total) = found;
            match sort {
                ArticleSort::Relevance => paging
                    .answer(sort.as_str(), items, total, |found| (found.rank.unwrap_or_default(), found.id)),
                _ => paging.answer(sort.as_str(), items, total, |found| (found.updated_at, found.id)),
            }
        })
        .await
}

/// Whether no article matches, after it is known that this page is empty.
fn nothing_matches(db: &mut PgConnection, paging: &Paging, filters: &ArticleFilters) -> Result<bool> {
    let is_first = paging.cursor.is_none();
    Ok(is_first || !diesel::select(diesel::dsl::exists(search::filtered(filters))).get_result::<bool>(db)?)
}

/// One page of the articles, and the number of all if it is wanted.
fn page(
    db: &mut PgConnection,
    paging: &Paging,
    filters: &ArticleFilters,
    sort: ArticleSort,
) -> Result<(Vec<ArticleSummary>, Option<i64>)> {
    let filtered = || search::filtered(filters);
    if sort == ArticleSort::Relevance {
        let total = if paging.with_total { Some(filtered().count().get_result(db)?) } else { None };
        let after = paging.after::<f64, Uuid>(sort.as_str())?;
        return Ok((search::ranked(db, filters, after, paging.rows())?, total));
    }
    let (ids, total) = read_page!(
        db,
        *paging,
        sort.as_str(),
        filtered,
        (articles::updated_at as DateTime<Utc>, articles::id as Uuid),
        articles::id
    );
    Ok((search::found(db, ids)?, total))
}

fn not_offered() -> crate::problem::Problem {
    invalid(
        "status",
        Text::new(
            "Usted solo puede consultar los artículos publicados y públicos.",
            "You can only see published public articles.",
        ),
    )
}
