//! The places where a person's data occur in texts: in the person's tickets, and in mail to the person.

use std::collections::BTreeMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::THEIRS;
use super::terms::{PersonalDatum, Terms};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The kind of the row of a place.
    pub enum AnonymizationPlaceResource {
        Ticket = "ticket",
        Followup = "followup",
        Hold = "hold",
        Escalation = "escalation",
        Attachment = "attachment",
        Message = "message",
        Article = "article",
        ArticleRevision = "article_revision",
        Event = "event",
    }
}

/// A column of text or JSON, and the rows that are searched.
pub struct Field {
    pub resource: AnonymizationPlaceResource,
    pub table: &'static str,
    /// The key of a row.
    pub key: &'static str,
    pub column: &'static str,
    pub is_json: bool,
    /// The rows that are searched. `$1` is the person.
    pub rows: &'static str,
    /// Whether the person wrote the text.
    pub own: &'static str,
    pub ticket: &'static str,
}

const OF_TICKETS: &str = "ticket_id = ANY ({theirs})";
const MAILED: &str = "(ticket_id = ANY ({theirs}) OR recipient_id = $1)";
/// The person registered the ticket, here or in the system that it was imported from, and no one else corrected it.
const REGISTERED: &str = "((registered_by_id = $1 OR imported_at IS NOT NULL) AND NOT EXISTS (SELECT FROM events e \
    WHERE e.ticket_id = tickets.id AND e.kind = 'changed' AND e.actor_id IS DISTINCT FROM $1))";
/// Messages to the person that were not sent yet are removed completely.
const UNSENT: &str = "recipient_id = $1 AND status <> 'sent'";
const NEVER: &str = "false";

const fn text(
    resource: AnonymizationPlaceResource,
    table: &'static str,
    column: &'static str,
    rows: &'static str,
    own: &'static str,
) -> Field {
    Field { resource, table, key: "id", column, is_json: false, rows, own, ticket: "ticket_id" }
}

const fn json(
    resource: AnonymizationPlaceResource,
    table: &'static str,
    column: &'static str,
    rows: &'static str,
    own: &'static str,
) -> Field {
    Field { is_json: true, ..text(resource, table, column, rows, own) }
}

const fn of_ticket(column: &'static str, own: &'static str) -> Field {
    Field {
        ticket: "id",
        ..text(AnonymizationPlaceResource::Ticket, "tickets", column, "requester_id = $1", own)
    }
}

/// The columns where data of a person may occur.
pub const FIELDS: &[Field] = &[
    of_ticket("subject", REGISTERED),
    of_ticket("description", REGISTERED),
    of_ticket("solution", NEVER),
    of_ticket("archive_note", NEVER),
    of_ticket("third_party", NEVER),
    text(
        AnonymizationPlaceResource::Followup,
        "followups",
        "body",
        "(ticket_id = ANY ({theirs}) OR author_id = $1)",
        "author_id = $1",
    ),
    text(AnonymizationPlaceResource::Hold, "holds", "reason", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Escalation, "escalations", "reason", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Escalation, "escalations", "third_party", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Escalation, "escalations", "reference", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Attachment, "attachments", "file_name", OF_TICKETS, "uploaded_by = $1"),
    text(AnonymizationPlaceResource::Message, "messages", "sent_subject", MAILED, UNSENT),
    text(AnonymizationPlaceResource::Message, "messages", "sent_text", MAILED, UNSENT),
    text(AnonymizationPlaceResource::Message, "messages", "last_error", MAILED, UNSENT),
    json(AnonymizationPlaceResource::Message, "messages", "data", MAILED, UNSENT),
    text(AnonymizationPlaceResource::Article, "articles", "title", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Article, "articles", "incident", OF_TICKETS, NEVER),
    text(AnonymizationPlaceResource::Article, "articles", "resolution", OF_TICKETS, NEVER),
    json(AnonymizationPlaceResource::Article, "articles", "steps", OF_TICKETS, NEVER),
    json(AnonymizationPlaceResource::Article, "articles", "references", OF_TICKETS, NEVER),
    json(AnonymizationPlaceResource::Article, "articles", "bibliography", OF_TICKETS, NEVER),
    Field {
        key: "article_id || '/' || revision",
        ticket: "(SELECT a.ticket_id FROM articles a WHERE a.id = article_id)",
        ..json(
            AnonymizationPlaceResource::ArticleRevision,
            "article_revisions",
            "content",
            "article_id IN (SELECT id FROM articles WHERE ticket_id = ANY ({theirs}))",
            NEVER,
        )
    },
    json(AnonymizationPlaceResource::Event, "events", "data", OF_TICKETS, "actor_id IS NOT DISTINCT FROM $1"),
];

impl Field {
    /// The words of the column as one text; for JSON, those of all its strings.
    pub fn words(&self) -> String {
        let column = self.quoted();
        match self.is_json {
            true => format!(
                "(SELECT string_agg(item #>> '{{}}', E'\\n') \
                 FROM jsonb_path_query({column}, 'strict $.** ? (@.type() == \"string\")') AS item)"
            ),
            false => column,
        }
    }

    /// The column with the matches of this pattern, an SQL expression, replaced by `$3`.
    pub fn without(&self, pattern: &str) -> String {
        let column = self.quoted();
        match self.is_json {
            true => format!("without_traces({column}, {pattern}, $3)"),
            false => format!("regexp_replace({column}, {pattern}, $3, 'gi')"),
        }
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.column)
    }
}

/// A text that contains data of the person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AnonymizationPlace {
    /// The id of the place, for `place_ids` of `POST /users/{user_id}/anonymization`.
    #[schema(
        example = "followup:0197c0de-0000-7000-8000-000000000000:body:9f86d081884c7d65",
        max_length = 200
    )]
    pub id: String,
    /// The kind of record that contains the text.
    pub resource: AnonymizationPlaceResource,
    /// The id of the record; for the revision of an article, with its number.
    #[schema(example = "0197c0de-0000-7000-8000-000000000000", max_length = 100)]
    pub resource_id: String,
    /// The number of the ticket that the record belongs to; `null` if it belongs to none.
    #[schema(example = 123)]
    pub ticket_id: Option<i64>,
    /// The name of the field of the record that contains the text.
    #[schema(example = "body", max_length = 50)]
    pub field: String,
    /// The first passage that contains the term, as safe HTML with the term marked.
    #[schema(example = "Llamé a <mark>Ana María Restrepo</mark> y no contestó.", max_length = 2000)]
    pub excerpt: String,
    /// The number of occurrences of the term in this text.
    #[schema(minimum = 1, example = 1)]
    #[serde(rename = "match_count")]
    pub matches: usize,
    /// The id of the term that was found.
    #[schema(example = "9f86d081884c7d65", max_length = 16)]
    pub term: String,
    /// The kind of datum of the term.
    pub datum: PersonalDatum,
    /// `true` if the person wrote the text, or if it belongs to a message to the person that was not sent: the data are
    /// then removed without confirmation. `false` if they are removed only if the term or the place is confirmed.
    pub removed_by_default: bool,
}

/// The maximum number of texts that are searched, and of places that are listed.
pub const MOST_PLACES: usize = 1000;

/// The number of characters of a text that are searched.
const LONGEST_TEXT: usize = 50_000;

/// The number of characters of an excerpt on each side of the match.
const AROUND: usize = 60;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    resource: AnonymizationPlaceResource,
    #[diesel(sql_type = Text)]
    resource_id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    ticket_id: Option<i64>,
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Bool)]
    own: bool,
    #[diesel(sql_type = Text)]
    marked: String,
}

/// The marks before and after each match in the results of the database.
const MARKS: [char; 2] = ['\u{2}', '\u{3}'];

/// The places where the terms of a person occur, in one statement, and whether these are all; no row is locked.
pub fn find(db: &mut PgConnection, user_id: Uuid, terms: &Terms) -> Result<(Vec<AnonymizationPlace>, bool)> {
    if terms.all.is_empty() {
        return Ok((Vec::new(), true));
    }
    let branch = |(number, field): (usize, &Field)| {
        let Field { resource, table, key, rows, own, ticket, column, .. } = field;
        let words = field.words();
        format!(
            "(SELECT {number} AS place, '{}' AS resource, ({key})::text AS resource_id, ({ticket})::bigint AS ticket_id, \
                '{column}' AS field, coalesce({own}, false) AS own, \
                regexp_replace(translate(left({words}, {LONGEST_TEXT}), E'\\x02\\x03', ''), $2, E'\\x02\\\\&\\x03', 'gi') AS marked \
             FROM {table} WHERE {rows} AND {words} ~* $2 LIMIT {})",
            resource.as_str(),
            MOST_PLACES + 1
        )
    };
    let branches: Vec<String> = FIELDS.iter().enumerate().map(branch).collect();
    let sql = format!(
        "SELECT resource, resource_id, ticket_id, field, own, marked FROM ({}) AS found \
         ORDER BY ticket_id, place, resource_id LIMIT {}",
        branches.join(" UNION ALL "),
        MOST_PLACES + 1
    );
    let query: BoxedSqlQuery<'_, Pg, SqlQuery> =
        diesel::sql_query(sql.replace("{theirs}", THEIRS)).into_boxed();
    let found: Vec<Found> = query.bind::<SqlUuid, _>(user_id).bind::<Text, _>(terms.pattern()).load(db)?;
    let mut is_complete = found.len() <= MOST_PLACES;
    let mut places: Vec<AnonymizationPlace> =
        found.into_iter().flat_map(|found| found.places(terms)).collect();
    is_complete &= places.len() <= MOST_PLACES;
    places.truncate(MOST_PLACES);
    Ok((places, is_complete))
}

impl Found {
    /// One place for each term that occurs in the text.
    fn places(self, terms: &Terms) -> Vec<AnonymizationPlace> {
        let mut first: BTreeMap<&str, (usize, usize, PersonalDatum)> = BTreeMap::new();
        for (start, _) in self.marked.match_indices(MARKS[0]) {
            let rest = &self.marked[start + 1..];
            let Some(term) = terms.found_as(rest.split(MARKS[1]).next().unwrap_or_default()) else {
                continue;
            };
            first.entry(&term.id).or_insert((start, 0, term.datum)).1 += 1;
        }
        let place =
            |(term, (start, matches, datum)): (&str, (usize, usize, PersonalDatum))| AnonymizationPlace {
                id: format!("{}:{}:{}:{term}", self.resource.as_str(), self.resource_id, self.field),
                resource: self.resource,
                resource_id: self.resource_id.clone(),
                ticket_id: self.ticket_id,
                field: self.field.clone(),
                excerpt: excerpt(&self.marked, start),
                matches,
                term: term.to_owned(),
                datum,
                removed_by_default: self.own,
            };
        first.into_iter().map(place).collect()
    }
}

/// The passage around the match that begins at this byte, as safe HTML.
fn excerpt(marked: &str, start: usize) -> String {
    let (before, rest) = marked.split_at(start);
    let (found, after) = rest[1..].split_once(MARKS[1]).unwrap_or((&rest[1..], ""));
    let plain = |text: String| text.replace(MARKS, "");
    let before: String = before.chars().rev().take(AROUND).collect::<Vec<_>>().into_iter().rev().collect();
    let after: String = after.chars().take(AROUND).collect();
    format!("{}<mark>{}</mark>{}", escaped(&plain(before)), escaped(found), escaped(&plain(after)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_safe_and_short() {
        let marked = format!("<b>{} a \u{2}Ana & Co\u{3} y \u{2}Ana & Co\u{3}", "x".repeat(100));
        let start = marked.find('\u{2}').unwrap();
        let excerpt = excerpt(&marked, start);
        assert!(excerpt.ends_with("x a <mark>Ana &amp; Co</mark> y Ana &amp; Co"), "{excerpt}");
        assert!(!excerpt.contains("<b>") && excerpt.len() < 150);
    }

    #[test]
    fn no_two_fields_are_of_one_column() {
        let mut names: Vec<_> = FIELDS.iter().map(|field| (field.table, field.column)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
