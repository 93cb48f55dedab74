//! Full-text search in Spanish: accents and inflection are ignored, the best match comes first.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::articles::{ArticleStatus, ArticleVisibility};
use super::list::ArticleFilters;
use crate::db::schema::articles;
use crate::db::{Literal, Statement};
use crate::people::Named;
use crate::problem::Result;

/// An article as a list shows it.
#[derive(Serialize, ToSchema)]
pub struct ArticleSummary {
    /// Identifier of the article.
    pub id: Uuid,
    /// The title of the article.
    #[schema(max_length = 200, example = "Impresora de red sin respuesta")]
    pub title: String,
    /// The category of the article; `null` if it has none.
    pub category: Option<Named>,
    /// Who may read the article once it is published.
    pub visibility: ArticleVisibility,
    /// The state of the article.
    pub status: ArticleStatus,
    /// The time of the last revision.
    pub updated_at: DateTime<Utc>,
    /// The matching passage as HTML: matching words are inside `<mark>`, everything else is escaped. `null` unless the
    /// list is ordered by relevance.
    #[schema(
        max_length = 2000,
        example = "La <mark>impresora</mark> aparece <mark>atascada</mark> y no imprime."
    )]
    pub excerpt: Option<String>,
    /// The relevance for the search: the higher, the better the match; 0 for matches beyond the first 1,000. Only comparable
    /// within one search. `null` unless the list is ordered by relevance.
    #[schema(example = 0.6)]
    pub rank: Option<f64>,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    category_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    category_name: Option<String>,
    #[diesel(sql_type = Text)]
    visibility: ArticleVisibility,
    #[diesel(sql_type = Text)]
    status: ArticleStatus,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    excerpt: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    rank: Option<f64>,
}

impl From<Row> for ArticleSummary {
    fn from(row: Row) -> Self {
        ArticleSummary {
            id: row.id,
            title: row.title,
            category: row.category_id.zip(row.category_name).map(|(id, name)| Named { id, name }),
            visibility: row.visibility,
            status: row.status,
            updated_at: row.updated_at,
            excerpt: row.excerpt,
            rank: row.rank,
        }
    }
}

/// The articles that requesters may read; written exactly as the condition of the partial index for the search.
pub(super) const PUBLIC: &str = "a.status = 'published' AND a.visibility = 'public'";

/// The SQL of the words that are searched, before and after what the client sent.
fn words(filters: &ArticleFilters) -> [&'static str; 2] {
    match (filters.near, filters.only_public) {
        (false, _) => ["search_query(", ")"],
        (true, false) => ["(SELECT search_near(", ", 'articles'))"],
        (true, true) => ["(SELECT search_near(", ", 'public articles'))"],
    }
}

/// The articles that match these filters, in no order.
pub fn filtered(filters: &ArticleFilters) -> articles::BoxedQuery<'_, Pg> {
    let mut query = articles::table.into_boxed();
    if filters.only_public {
        query = query.filter(Literal::<Bool>::new(PUBLIC.replace("a.", "articles.")));
    }
    if let Some(text) = &filters.q {
        let [before, after] = words(filters);
        query = query.filter(sql::<Bool>("articles.search @@ ").sql(before).bind::<Text, _>(text).sql(after));
    }
    if !filters.status.is_empty() {
        query = query.filter(articles::status.eq_any(&filters.status));
    }
    if let Some(visibility) = filters.visibility {
        query = query.filter(articles::visibility.eq(visibility));
    }
    if !filters.category_id.is_empty() {
        query = query.filter(articles::category_id.eq_any(&filters.category_id));
    }
    if let Some(ticket_id) = filters.ticket_id {
        query = query.filter(articles::ticket_id.eq(ticket_id));
    }
    if let Some(from) = filters.published_from {
        query = query.filter(articles::published_at.ge(from));
    }
    if let Some(to) = filters.published_before {
        query = query.filter(articles::published_at.lt(to));
    }
    query
}

/// The columns of a `Row` except excerpt and rank.
pub(super) const COLUMNS: &str =
    "a.id, a.title, a.category_id, c.name AS category_name, a.visibility, a.status, a.updated_at";

/// The matching passage of the article `a` for the query `best.q`. The text is escaped for HTML before the marks are
/// set. A control character on both sides of each separator makes words of the parts of a token, as in the index; it is
/// removed from the passage.
pub(super) const EXCERPT: &str = "replace(ts_headline('mesa_spanish', replace(replace(replace(\
     regexp_replace(concat_ws(' … ', a.title, a.incident, a.resolution, \
         (SELECT string_agg(passage, ' … ') FROM jsonb_array_elements_text(a.steps || a.bibliography \
             || jsonb_path_query_array(a.references, '$[*].title')) AS passage)), \
         '[/._:@#()=&?+<>¿¡“”‘’«»–—…·•°´\\\\-]', E'\\x01\\\\&\\x01', 'g'), \
     '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), \
     best.q, 'StartSel=<mark>, StopSel=</mark>, MaxWords=30, MinWords=12, MaxFragments=1'), E'\\x01', '')";

/// The maximum number of matches that are ranked: a common word matches most articles. Of more, the newest are ranked; the
/// others follow, newest first.
const RANKED: i64 = 1000;

/// The best matches after a position in their order.
pub fn ranked(
    db: &mut PgConnection,
    filters: &ArticleFilters,
    after: Option<(f64, Uuid)>,
    limit: i64,
) -> Result<Vec<ArticleSummary>> {
    let seek = |statement: Statement<'static>, (rank, id): (f64, Uuid)| {
        let statement = statement.bind::<Double, _>(rank).sql(", ");
        statement.bind::<SqlUuid, _>(id).sql(")")
    };
    let statement = Statement::new(
        "WITH best AS MATERIALIZED (SELECT id, ts_rank_cd(search, q)::float8 AS rank, q FROM (SELECT a.id, a.search, q ",
    );
    let statement = matching(statement, filters)
        .sql(format!(
            " ORDER BY a.id DESC LIMIT {RANKED}) AS newest), ranked AS MATERIALIZED (SELECT * FROM best"
        ))
        .with(after, |statement, after| seek(statement.sql(" WHERE (rank, id) < ("), after))
        .sql(" ORDER BY rank DESC, id DESC LIMIT ")
        .bind::<BigInt, _>(limit)
        .sql("), others AS (SELECT a.id, 0::float8 AS rank, q ");
    let rows: Vec<Row> = matching(statement, filters)
        .sql(format!(
            " AND (SELECT count(*) = {RANKED} FROM best) AND a.id < (SELECT id FROM best ORDER BY id LIMIT 1) \
             AND (SELECT count(*) FROM ranked) < "
        ))
        .bind::<BigInt, _>(limit)
        .with(after, |statement, after| seek(statement.sql(" AND (0::float8, a.id) < ("), after))
        .sql(" ORDER BY a.id DESC LIMIT ")
        .bind::<BigInt, _>(limit)
        .sql(format!(
            ") SELECT {COLUMNS}, best.rank, {EXCERPT} AS excerpt FROM ( \
                 SELECT * FROM (TABLE ranked UNION ALL TABLE others) AS found ORDER BY rank DESC, id DESC LIMIT "
        ))
        .bind::<BigInt, _>(limit)
        .sql(
            ") AS best JOIN articles a USING (id) LEFT JOIN categories c ON c.id = a.category_id \
             ORDER BY best.rank DESC, a.id DESC",
        )
        .planned_each_time()
        .load(db)?;
    Ok(rows.into_iter().map(ArticleSummary::from).collect())
}

/// Adds the source of the matches `a` for the query `q`, and the conditions.
fn matching<'a>(statement: Statement<'a>, filters: &ArticleFilters) -> Statement<'a> {
    let text = filters.q.clone().unwrap_or_default();
    let status: Vec<&str> = filters.status.iter().map(|status| status.as_str()).collect();
    let [before, after] = words(filters);
    statement
        .sql("FROM articles a, (SELECT ")
        .sql(before)
        .bind::<Text, _>(text)
        .sql(after)
        // Evaluated once; an exact search is known to the planner.
        .sql(if filters.near { " AS q OFFSET 0) AS words WHERE " } else { " AS q) AS words WHERE " })
        .with(filters.only_public.then_some(PUBLIC), |statement, public| statement.sql(public).sql(" AND "))
        .sql("a.search @@ q")
        .with((!status.is_empty()).then_some(status), |statement, status| {
            statement.sql(" AND a.status = ANY (").bind::<Array<Text>, _>(status).sql(")")
        })
        .with(filters.visibility, |statement, visibility| {
            statement.sql(" AND a.visibility = ").bind::<Text, _>(visibility.as_str())
        })
        .with(
            (!filters.category_id.is_empty()).then(|| filters.category_id.clone()),
            |statement, categories| {
                statement.sql(" AND a.category_id = ANY (").bind::<Array<SqlUuid>, _>(categories).sql(")")
            },
        )
        .with(filters.ticket_id, |statement, ticket| {
            statement.sql(" AND a.ticket_id = ").bind::<BigInt, _>(ticket)
        })
        .with(filters.published_from, |statement, from| {
            statement.sql(" AND a.published_at >= ").bind::<Timestamptz, _>(from)
        })
        .with(filters.published_before, |statement, before| {
            statement.sql(" AND a.published_at < ").bind::<Timestamptz, _>(before)
        })
}

/// These articles, in this order.
pub fn found(db: &mut PgConnection, ids: Vec<Uuid>) -> Result<Vec<ArticleSummary>> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT {COLUMNS}, NULL::float8 AS rank, NULL::text AS excerpt \
         FROM unnest($1) WITH ORDINALITY AS wanted (id, place) \
         JOIN articles a USING (id) LEFT JOIN categories c ON c.id = a.category_id ORDER BY place"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .load(db)?;
    Ok(rows.into_iter().map(ArticleSummary::from).collect())
}
