//! Search for words of tickets and of their followups, and for numbers of tickets.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text as SqlText, Uuid as SqlUuid};
use uuid::Uuid;

use super::{TicketFilters, Tickets};
use crate::auth::policy::PermissionScope;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::problem::Result;

/// How the words are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spelling {
    AsTyped,
    /// Each word may have a typing error.
    Near,
}

impl Spelling {
    /// The SQL of the words that are searched, before and after what the client sent. `place` is that of `search_near`.
    fn words(self, place: &str) -> [String; 2] {
        match self {
            Spelling::AsTyped => ["search_query(".to_owned(), ")".to_owned()],
            Spelling::Near => ["(SELECT search_near(".to_owned(), format!(", '{place}'))")],
        }
    }
}

/// The tickets with their followups, as the place of `search_near`.
const TICKETS: &str = "tickets";

/// The maximum number of tickets that are looked up by their words before other conditions apply.
const FEW: i64 = 1000;

/// The maximum number of followups whose tickets are found by the words. More common words are searched only in the
/// tickets themselves.
const MANY: i64 = 10_000;

/// The maximum number of tickets of a requester, and of followups that they may read, that are searched: the newest. Whoever
/// writes more of them must not keep the database busy with one search.
const MOST_OWN_TICKETS: i64 = 5_000;
const MOST_OWN_FOLLOWUPS: i64 = 1_000;

/// The tickets that contain the words of a search.
#[derive(Debug, Clone, PartialEq)]
pub enum Matches {
    /// These tickets.
    Only(Vec<i64>),
    /// More than a list of ids: those that contain the words in this spelling, and these, whose followups contain them.
    With(Vec<i64>, Spelling),
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    in_followup: bool,
}

impl TicketFilters {
    /// Looks up the tickets that contain the given words. PostgreSQL overestimates the frequency of rare words, and
    /// would scan all tickets in the order of the list to find them.
    ///
    /// For a requester only their own tickets and the followups that they may read are searched, so that the response
    /// time reveals nothing about the words in others.
    pub fn look_up(&mut self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        let Some(text) = self.q.clone() else { return Ok(()) };
        let mut look_up = |spelling| match actor.scope {
            PermissionScope::Own => own(db, actor.id, &text, spelling).map(Matches::Only),
            _ => any(db, &text, spelling, actor.reads_private()),
        };
        let mut found = look_up(Spelling::AsTyped)?;
        if found == Matches::Only(Vec::new()) && number(&text).is_none() {
            found = look_up(Spelling::Near)?;
        }
        self.matches = Some(found);
        Ok(())
    }
}

/// The tickets of all requesters that contain these words, in themselves or in a followup; in a public one only for a
/// service account that may not read the others.
fn any(db: &mut PgConnection, text: &str, spelling: Spelling, with_private: bool) -> Result<Matches> {
    let readable = match with_private {
        true => "",
        false => {
            " AND EXISTS (SELECT FROM followups f WHERE f.id = followup_words.followup_id AND f.visibility = 'public')"
        }
    };
    let [before, after] = spelling.words(TICKETS);
    let found: Vec<Place> = Statement::new(format!(
        "(SELECT ticket_id AS id, false AS in_followup FROM ticket_words WHERE words @@ {before}"
    ))
    .bind::<SqlText, _>(text)
    .sql(format!(
        "{after} LIMIT {}) UNION ALL (SELECT ticket_id, true FROM followup_words WHERE words @@ {before}",
        FEW + 1
    ))
    .bind::<SqlText, _>(text)
    .sql(format!("{after}{readable} LIMIT {})", MANY + 1))
    .planned_each_time()
    .load(db)?;
    let (told, tickets): (Vec<Place>, Vec<Place>) = found.into_iter().partition(|place| place.in_followup);
    let at_most =
        |places: &[Place], limit: i64| i64::try_from(places.len()).is_ok_and(|count| count <= limit);
    let are_few = at_most(&tickets, FEW);
    let mut ids: Vec<i64> =
        if at_most(&told, MANY) { told.iter().map(|place| place.id).collect() } else { Vec::new() };
    if are_few {
        ids.extend(tickets.iter().map(|place| place.id));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(if are_few { Matches::Only(ids) } else { Matches::With(ids, spelling) })
}

/// The tickets of this requester that contain these words, in themselves or in a followup that the requester may read,
/// or have this number. Materialized, so that the indexes over the words of all tickets are never used.
fn own(db: &mut PgConnection, requester_id: Uuid, text: &str, spelling: Spelling) -> Result<Vec<i64>> {
    let [before, after] = spelling.words("own");
    let found: Vec<Found> = Statement::new(
        "WITH own AS MATERIALIZED ( \
             SELECT t.id, (SELECT w.words FROM ticket_words w WHERE w.ticket_id = t.id) AS words \
             FROM tickets t WHERE t.requester_id = ",
    )
    .bind::<SqlUuid, _>(requester_id)
    .sql(format!(
        " ORDER BY t.received_at DESC, t.id DESC LIMIT {MOST_OWN_TICKETS}), told AS MATERIALIZED ( \
             SELECT f.ticket_id AS id, (SELECT w.words FROM followup_words w WHERE w.followup_id = f.id) AS words FROM ( \
                 SELECT f.id, f.ticket_id FROM own CROSS JOIN LATERAL ( \
                     SELECT f.id, f.ticket_id, f.created_at FROM followups f \
                     WHERE f.ticket_id = own.id AND (f.visibility = 'public' OR f.to_requester \
                         AND NOT EXISTS (SELECT FROM followups AS copy WHERE copy.published_from = f.id)) OFFSET 0) AS f \
                 ORDER BY f.created_at DESC LIMIT {MOST_OWN_FOLLOWUPS}) AS f) \
         SELECT id FROM own WHERE words @@ {before}"
    ))
    .bind::<SqlText, _>(text)
    .sql(format!("{after} OR id = "))
    .bind::<Nullable<BigInt>, _>(number(text))
    .sql(format!(" UNION SELECT id FROM told WHERE words @@ {before}"))
    .bind::<SqlText, _>(text)
    .sql(after)
    .planned_each_time()
    .load(db)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

fn number(text: &str) -> Option<i64> {
    text.trim().trim_start_matches('#').parse().ok()
}

/// Restricts the query to tickets that contain the words, or have the given number.
pub fn narrow<'a>(query: Tickets<'a>, filters: &'a TicketFilters, actor: &Actor) -> Tickets<'a> {
    let Some(text) = &filters.q else { return query };
    // For a requester, the existence of another requester's ticket with this number is not examined.
    let number = number(text).filter(|_| actor.scope != PermissionScope::Own);
    match &filters.matches {
        Some(Matches::Only(ids)) => query.filter(tickets::id.eq_any(ids.iter().copied().chain(number))),
        matches => {
            let (ids, spelling) = match matches {
                Some(Matches::With(ids, spelling)) => (ids.as_slice(), *spelling),
                _ => (&[][..], Spelling::AsTyped),
            };
            let with: Vec<i64> = ids.iter().copied().chain(number).collect();
            let [before, after] = spelling.words(TICKETS);
            let words = sql::<Bool>(
                "EXISTS (SELECT FROM ticket_words w WHERE w.ticket_id = tickets.id AND (w.words @@ ",
            );
            let words = words.sql(&before).bind::<SqlText, _>(text).sql(&after);
            let words = words.sql(" OR w.ticket_id = ANY (").bind::<Array<BigInt>, _>(with).sql(")))");
            query.filter(words)
        }
    }
}
