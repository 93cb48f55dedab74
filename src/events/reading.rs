//! Reading the log after a place.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::cursor::{self, Cursor};
use super::entry::{COLUMNS, Entry, OF_ENTRY};
use super::model::{EventPage, LogEvent};
use super::reader::Reader;
use super::types::Wanted;
use crate::audit::tree::sequence::{self, IfBusy};
use crate::db::Statement;
use crate::problem::{Problem, Result};
use crate::tickets::presence::rows::{self, Present};

/// The most entries that one request goes through.
pub const MOST: usize = 1000;
/// How many it goes through for a short page of all types.
const FEW: usize = 100;

/// Where a client reads from, and which events.
#[derive(Debug, Clone)]
pub struct Following {
    pub after: Cursor,
    pub wanted: Wanted,
    /// The most events of a page.
    pub limit: usize,
}

/// The events after a place that the reader may see.
///
/// # Errors
/// A 410 if the log has no such place for this reader.
pub fn page(db: &mut PgConnection, reader: &Reader, following: &Following) -> Result<EventPage> {
    page_up_to(db, reader, following, i64::MAX).map(|(page, _)| page)
}

/// The same, without the events after the entry with the position `up_to`; and the position of the place.
///
/// # Errors
/// As `page`.
pub fn page_up_to(
    db: &mut PgConnection,
    reader: &Reader,
    following: &Following,
    up_to: i64,
) -> Result<(EventPage, i64)> {
    let place = place(db, reader, &following.after)?;
    let (place, position) = (Place { up_to, ..place }, place.position);
    let page = if reader.reads_own() {
        own(db, reader, following, place)
    } else {
        all(db, reader, following, place)
    };
    Ok((page?, position))
}

/// A place in the log, and whether the cursor names it as the end.
struct Place {
    /// The position of the last entry before it; -1 before the first one.
    position: i64,
    /// Its cursor, for a reader of the whole log.
    cursor: String,
    is_end: bool,
    /// The last position to read.
    up_to: i64,
}

/// The position of the last entry that a client has seen. Entries that wait for their position get it first. If another
/// sequencer is running, the end waits for it, because it comes after all that was committed before; other places do not need to.
fn place(db: &mut PgConnection, reader: &Reader, after: &Cursor) -> Result<Place> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        waiting: bool,
        #[diesel(sql_type = Nullable<BigInt>)]
        position: Option<i64>,
        #[diesel(sql_type = Nullable<Binary>)]
        hash: Option<Vec<u8>>,
    }
    let waiting = "SELECT EXISTS (SELECT FROM log_entries WHERE position IS NULL) AS waiting, l.position, l.hash \
                   FROM (VALUES (1)) AS one LEFT JOIN ";
    let read = |db: &mut PgConnection| -> Result<Row> {
        let statement = Statement::new(waiting);
        let statement = match after {
            Cursor::Start => statement.sql("log_entries l ON false"),
            Cursor::End => statement.sql(
                "LATERAL (SELECT * FROM log_entries WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1) l ON true",
            ),
            Cursor::Position(position, _) => {
                statement.sql("log_entries l ON l.position = ").bind::<BigInt, _>(*position)
            }
            Cursor::Event(id) => statement
                .sql("log_entries l ON l.position IS NOT NULL AND l.event_id = ")
                .bind::<SqlUuid, _>(*id),
        };
        Ok(statement.get_result(db)?)
    };
    let mut found = read(db)?;
    if found.waiting {
        if *after == Cursor::End {
            sequence::run(db, IfBusy::Wait)?;
            found = read(db)?;
        } else {
            sequence::run(db, IfBusy::Return)?;
        }
    }
    let known = match (after, found.position, found.hash) {
        (Cursor::Start, ..) | (Cursor::End, None, _) => None,
        // A reader who must not know positions has no such cursor.
        (Cursor::Position(..), ..) if reader.reads_own() => return Err(cursor::gone()),
        (Cursor::Position(_, beginning), Some(position), Some(hash))
            if cursor::beginning(&hash) == *beginning =>
        {
            Some((position, hash))
        }
        (Cursor::End | Cursor::Event(_), Some(position), Some(hash)) => Some((position, hash)),
        _ => return Err(cursor::gone()),
    };
    let (is_end, up_to) = (*after == Cursor::End, i64::MAX);
    Ok(match known {
        Some((position, hash)) => {
            Place { position, cursor: cursor::of_position(position, &hash), is_end, up_to }
        }
        None => Place { position: -1, cursor: cursor::START.to_owned(), is_end, up_to },
    })
}

/// For a reader of the whole log: from position to position.
fn all(db: &mut PgConnection, reader: &Reader, following: &Following, place: Place) -> Result<EventPage> {
    let rows = if following.wanted.is_all() && following.limit < FEW { FEW } else { MOST };
    let entries = after(db, place.position..=place.up_to, rows)?;
    let is_cut = entries.len() == rows;
    let mut page = EventPage { items: Vec::new(), next_cursor: place.cursor, has_more: is_cut };
    for entry in entries {
        let cursor = cursor::of_position(entry.position, &entry.hash);
        if let Some(event) = event(reader, &entry, &following.wanted) {
            if page.items.len() == following.limit {
                page.has_more = true;
                break;
            }
            page.items.push(event);
        }
        page.next_cursor = cursor;
    }
    Ok(page)
}

/// The entries after the first of these positions up to the last one, in order; at most `rows`.
///
/// # Errors
/// The error of the database.
pub fn after(db: &mut PgConnection, positions: RangeInclusive<i64>, rows: usize) -> Result<Vec<Entry>> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (SELECT position, hash, event_id, source FROM log_entries WHERE position > "
    ))
    .bind::<BigInt, _>(*positions.start())
    .sql(" AND position <= ")
    .bind::<BigInt, _>(*positions.end())
    .sql(format!(
        " ORDER BY position LIMIT {rows}) AS l {OF_ENTRY} WHERE e.kind IS NOT NULL OR a.kind IS NOT NULL ORDER BY l.position"
    ));
    Ok(statement.load(db)?)
}

/// For a reader of a few tickets: by their tickets and surveys. What they do not see leaves no trace: neither in the cursor nor
/// in `has_more`.
fn own(db: &mut PgConnection, reader: &Reader, following: &Following, place: Place) -> Result<EventPage> {
    if place.is_end {
        return own_end(db, reader);
    }
    let next_cursor = match &following.after {
        Cursor::Event(id) => id.to_string(),
        _ => cursor::START.to_owned(),
    };
    let mut page = EventPage { items: Vec::new(), next_cursor, has_more: false };
    let rows = if following.limit < FEW { FEW } else { MOST };
    let mut position = place.position;
    loop {
        let entries = own_entries(db, reader, position..=place.up_to, "ASC", rows)?;
        let Some(last) = entries.last() else { return Ok(page) };
        position = last.position;
        let is_cut = entries.len() == rows;
        for entry in entries {
            // The place moves past what the reader sees and did not ask for, so that it is not read again.
            let Some(event) = event(reader, &entry, &Wanted::default()) else { continue };
            if page.items.len() == following.limit {
                page.has_more = true;
                return Ok(page);
            }
            page.next_cursor = entry.event_id.to_string();
            if following.wanted.includes(event.name()) {
                page.items.push(event);
            }
        }
        if !is_cut {
            return Ok(page);
        }
    }
}

/// The last event that the reader may see.
fn own_end(db: &mut PgConnection, reader: &Reader) -> Result<EventPage> {
    let mut up_to = i64::MAX;
    let next_cursor = loop {
        let entries = own_entries(db, reader, -1..=up_to, "DESC", FEW)?;
        let visible = entries.iter().find(|entry| event(reader, entry, &Wanted::default()).is_some());
        match (visible, entries.last()) {
            (Some(entry), _) => break entry.event_id.to_string(),
            (None, Some(last)) if entries.len() == FEW => up_to = last.position - 1,
            (None, _) => break cursor::START.to_owned(),
        }
    };
    Ok(EventPage { items: Vec::new(), next_cursor, has_more: false })
}

/// The entries of the reader's tickets and surveys after the first of these positions up to the last one; at most `rows`.
fn own_entries(
    db: &mut PgConnection,
    reader: &Reader,
    positions: RangeInclusive<i64>,
    order: &'static str,
    rows: usize,
) -> Result<Vec<Entry>> {
    const TICKETS: &str = "tickets own JOIN events ev ON ev.ticket_id = own.id";
    const SURVEYS: &str =
        "surveys own JOIN audit_events ev ON ev.resource = 'survey' AND ev.resource_id = own.id::text";
    let part = |statement: Statement<'static>, from: &str| {
        let from = format!(
            "(SELECT l.position, l.hash, l.event_id, l.source FROM {from} JOIN log_entries l ON l.event_id = ev.id \
             WHERE l.position > "
        );
        statement
            .sql(from)
            .bind::<BigInt, _>(*positions.start())
            .sql(" AND l.position <= ")
            .bind::<BigInt, _>(*positions.end())
            .sql(" AND own.requester_id = ")
            .bind::<SqlUuid, _>(reader.id)
            .sql(format!(" ORDER BY l.position {order} LIMIT {rows})"))
    };
    let statement =
        Statement::new(format!("SELECT {COLUMNS} FROM (SELECT position, hash, event_id, source FROM ("));
    let statement = part(part(statement, TICKETS).sql(" UNION ALL "), SURVEYS);
    let statement = statement.sql(format!(
        ") AS both_parts ORDER BY position {order} LIMIT {rows}) AS l {OF_ENTRY} ORDER BY l.position {order}"
    ));
    Ok(statement.load(db)?)
}

/// What is new in the log.
pub struct News {
    /// The position of the last of `entries`, or the highest one.
    pub position: i64,
    pub entries: Vec<Entry>,
    /// The time of the database.
    pub now: DateTime<Utc>,
    /// Who came to a ticket or left one; empty if it was not asked for.
    pub present: Vec<Present>,
}

/// The highest position, and the entries after the one given; entries that wait get their position first. With `present_after`
/// also the rows of presence that were written after this time, in the same statement.
///
/// # Errors
/// The error of the database.
pub fn advance(
    db: &mut PgConnection,
    from: Option<i64>,
    present_after: Option<DateTime<Utc>>,
) -> Result<News> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        waiting: bool,
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
        #[diesel(sql_type = Jsonb)]
        present: Value,
    }
    let read = |db: &mut PgConnection| -> Result<Row> {
        let row = Statement::new(
            "SELECT EXISTS (SELECT FROM log_entries WHERE position IS NULL) AS waiting, \
             coalesce((SELECT max(position) FROM log_entries), -1) AS position, clock_timestamp() AS now, ",
        );
        let row = match present_after {
            Some(after) => rows::changed_after(row, after),
            None => row.sql("'[]'::jsonb"),
        };
        Ok(row.sql(" AS present").get_result(db)?)
    };
    let mut row = read(db)?;
    if row.waiting && sequence::run(db, IfBusy::Return)? > 0 {
        row = read(db)?;
    }
    let entries = match from {
        Some(from) if from < row.position => after(db, from..=row.position, MOST)?,
        _ => Vec::new(),
    };
    let position = entries.last().map_or(row.position, |last| last.position);
    let present = serde_json::from_value(row.present).map_err(Problem::internal)?;
    Ok(News { position, entries, now: row.now, present })
}

/// The entries of these events, in the order of the log.
///
/// # Errors
/// The error of the database.
pub fn of_events(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Entry>> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (SELECT position, hash, event_id, source FROM log_entries WHERE position IS NOT NULL AND event_id = ANY ("
    ))
    .bind::<Array<SqlUuid>, _>(ids.to_vec())
    .sql(format!(")) AS l {OF_ENTRY} WHERE e.kind IS NOT NULL OR a.kind IS NOT NULL ORDER BY l.position"));
    Ok(statement.load(db)?)
}

/// The event of an entry for a reader, with its cursor.
pub fn event(reader: &Reader, entry: &Entry, wanted: &Wanted) -> Option<LogEvent> {
    let mut event = reader.event(entry, wanted)?;
    event.envelope_mut().cursor = if reader.reads_own() {
        entry.event_id.to_string()
    } else {
        cursor::of_position(entry.position, &entry.hash)
    };
    Some(event)
}
