//! Places in the log, as clients keep them.
//!
//! The cursor of a reader of the whole log is a position with the beginning of the hash of the entry there: after a backup
//! was restored, another event may have that position, and the reader must not continue as if nothing had happened. The
//! cursor of a reader of a few tickets is the id of the last event that they saw: a position would tell how much happens to
//! the tickets of others.

use std::fmt;

use uuid::Uuid;

use super::entry::Entry;
use crate::problem::{Code, Problem, Text};

/// Before the first event.
pub const START: &str = "start";
/// After the last event that there is.
pub const END: &str = "end";

/// How many bytes of the hash a cursor has.
const HASHED: usize = 4;

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    Start,
    End,
    /// After the entry with this position and a hash that begins so, in hexadecimal.
    Position(i64, String),
    /// After this event.
    Event(Uuid),
}

impl Cursor {
    /// After this entry, for a reader of the whole log.
    pub fn of_entry(entry: &Entry) -> Self {
        Cursor::Position(entry.position, beginning(&entry.hash))
    }

    /// # Errors
    /// A 400 if this is no cursor.
    pub fn read(text: &str) -> Result<Self, Problem> {
        match text {
            START => return Ok(Cursor::Start),
            END => return Ok(Cursor::End),
            _ => {}
        }
        if let Ok(id) = text.parse() {
            return Ok(Cursor::Event(id));
        }
        let (position, hash) = text.split_once('-').ok_or_else(invalid)?;
        match position.parse() {
            Ok(position) if position >= 0 && hash.len() == HASHED * 2 => {
                Ok(Cursor::Position(position, hash.to_owned()))
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cursor::Start => out.write_str(START),
            Cursor::End => out.write_str(END),
            Cursor::Position(position, hash) => write!(out, "{position}-{hash}"),
            Cursor::Event(id) => id.fmt(out),
        }
    }
}

/// The cursor of a reader of the whole log.
pub fn of_position(position: i64, hash: &[u8]) -> String {
    format!("{position}-{}", beginning(hash))
}

/// The part of an entry's hash that a cursor has.
pub fn beginning(hash: &[u8]) -> String {
    hex::encode(hash.get(..HASHED).unwrap_or(hash))
}

#[track_caller]
fn invalid() -> Problem {
    Problem::new(
        Code::InvalidCursor,
        Text::new(
            "No es un cursor del registro de eventos. Use `next_cursor` de una respuesta anterior, `start` o `end`.",
            "This is not a cursor of the event log. Use `next_cursor` of an earlier response, `start` or `end`.",
        ),
    )
}

/// The cursor is one, but not of a place that the log has for this reader.
#[track_caller]
pub fn gone() -> Problem {
    Problem::new(Code::CursorGone, Code::CursorGone.meaning())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let text = of_position(4711, &[0x9f, 0x86, 0xd0, 0x81, 0x88]);
        assert_eq!(text, "4711-9f86d081");
        assert_eq!(Cursor::read(&text).unwrap(), Cursor::Position(4711, "9f86d081".into()));
        let id = Uuid::now_v7();
        assert_eq!(Cursor::read(&id.to_string()).unwrap(), Cursor::Event(id));
        for wrong in [
            "",
            "4711",
            "-1-9f86d081",
            "x-9f86d081",
            "1-9f86",
            "0-9f86d081-",
            "99999999999999999999-9f86d081",
        ] {
            assert!(Cursor::read(wrong).is_err(), "{wrong}");
        }
    }
}
