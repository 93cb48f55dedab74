//! The articles that are similar to a ticket.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::search::{ArticleSummary, COLUMNS, EXCERPT, PUBLIC, Row};
use crate::db::Statement;
use crate::problem::Result;

/// The number of words of a ticket that are searched: those that are not common, first those of the subject.
const TELLING: u8 = 40;

/// The share of the articles from which on a word is common. Articles that only have common words are offered if there are
/// not enough others.
const COMMON: f32 = 0.05;

/// The number of articles that are looked up for each word, and of those with the rarest words that are ranked.
const PER_WORD: u16 = 1000;
const RANKED: u8 = 100;

/// Up to five published articles that share the most words with a ticket.
pub fn like_ticket(db: &mut PgConnection, ticket_id: i64, staff: bool) -> Result<Vec<ArticleSummary>> {
    let readable = if staff { "a.status = 'published'" } else { PUBLIC };
    let with = |words: &str| {
        format!(
            "AS MATERIALIZED (SELECT a.id, count(*) OVER (PARTITION BY word) AS articles FROM telling CROSS JOIN LATERAL ( \
                 SELECT a.id FROM articles a WHERE {readable} AND a.search @@ word LIMIT {PER_WORD}) AS a WHERE {words})"
        )
    };
    let (rare, frequent) =
        (with("NOT is_common"), with("is_common AND (SELECT count(DISTINCT id) < 5 FROM rare)"));
    // The frequencies of common words are in the statistics of PostgreSQL.
    let rows: Vec<Row> = Statement::new(format!(
        "WITH known AS MATERIALIZED ( \
             SELECT word, freq FROM pg_stats, \
                 unnest(most_common_elems::text::text[], most_common_elem_freqs) AS common (word, freq) \
             WHERE schemaname = 'public' AND tablename = 'articles' AND attname = 'search'), \
         telling AS MATERIALIZED ( \
             SELECT quote_literal(lexeme)::tsquery AS word, coalesce(freq, 0) > {COMMON} AS is_common \
             FROM ticket_words t CROSS JOIN unnest(t.words) LEFT JOIN known ON known.word = lexeme \
             WHERE weights && ARRAY['A', 'B'] AND strpos(lexeme, '\\') = 0 AND t.ticket_id = "
    ))
    .bind::<BigInt, _>(ticket_id)
    .sql(format!(
        " ORDER BY 2, 'A' = ANY (weights) DESC, positions[1], lexeme LIMIT {TELLING}), \
         rare {rare}, frequent {frequent}, \
         near AS (SELECT id FROM (TABLE rare UNION ALL TABLE frequent) AS found \
             GROUP BY id ORDER BY sum(1.0 / articles) DESC, id DESC LIMIT {RANKED}) \
         SELECT {COLUMNS}, best.rank, {EXCERPT} AS excerpt \
         FROM (SELECT a.id, ts_rank_cd(a.search, q, 1)::float8 AS rank, q FROM near JOIN articles a USING (id) \
               CROSS JOIN (SELECT string_agg(word::text, ' | ')::tsquery AS q FROM telling) AS wanted \
               ORDER BY 2 DESC, 1 DESC LIMIT 5) AS best \
         JOIN articles a USING (id) LEFT JOIN categories c ON c.id = a.category_id \
         ORDER BY best.rank DESC, a.id DESC"
    ))
    .load(db)?;
    Ok(rows.into_iter().map(ArticleSummary::from).collect())
}
