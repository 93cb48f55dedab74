//! The answer of a verification, written piece by piece while it is verified.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::heads::{HeadBreak, HeadStatus};
use super::log::LogBreak;
use super::tickets::Break;
use super::verifier::{Found, Verifier};
use crate::problem::{Problem, Result};

/// The result of the verification.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says in the contract what `Document` writes piece by piece")]
pub struct Verification {
    /// Every place where the history of a ticket does not hold, by ticket and place.
    broken: Vec<Break>,
    /// The log of all events; `null` where one ticket was asked for.
    log: Option<LogVerification>,
    /// The tree heads that the desk keeps; `null` where one ticket was asked for.
    heads: Option<HeadsVerification>,
    /// The tree head that was asked about; `null` where none was.
    head: Option<HeadVerification>,
    /// How many tickets were verified.
    #[schema(minimum = 0)]
    tickets: i64,
    /// How many events they have.
    #[schema(minimum = 0)]
    events: i64,
    /// How many audit events were verified.
    #[schema(minimum = 0)]
    audit_events: i64,
    /// How many events of both kinds had values removed: personal data by law, or those of records whose retention period
    /// ended. The content of these is not verified any more; all else of them is.
    #[schema(minimum = 0)]
    redacted: i64,
    /// Whether nothing is broken, in tickets, log and heads, and the head that was asked about is consistent.
    whole: bool,
}

/// What verifying the log of all events found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says in the contract what `Document` writes piece by piece")]
pub struct LogVerification {
    /// Every audit event and every entry of the log that does not hold.
    broken: Vec<LogBreak>,
    /// How many entries have their position, and are leaves of the tree; an event gets it within seconds.
    #[schema(minimum = 0)]
    size: i64,
    /// The root of the tree of these entries (RFC 6962, SHA-256), in base64.
    #[schema(min_length = 44, max_length = 44)]
    root: String,
}

/// What verifying the tree heads found.
#[derive(Serialize, ToSchema)]
pub struct HeadsVerification {
    /// How many hold.
    #[schema(minimum = 0)]
    verified: i64,
    /// Those that do not hold, by size.
    broken: Vec<HeadBreak>,
}

/// How the history stands to a tree head that was kept elsewhere.
#[derive(Serialize, ToSchema)]
pub struct HeadVerification {
    #[schema(minimum = 1, example = 5210)]
    size: i64,
    #[schema(min_length = 44, max_length = 44)]
    root: String,
    status: HeadStatus,
}

/// The document as far as it is written.
#[derive(Default)]
pub struct Document {
    begun: bool,
    in_log: bool,
    /// Whether the list that is being written has an element.
    has_element: bool,
}

impl Document {
    /// What a step found; a line end alone if that is nothing, so that the client sees that the work goes on.
    pub fn add(&mut self, found: &Found) -> Result<String> {
        let mut piece = String::new();
        if !self.begun {
            piece.push_str("{\"broken\":[");
            self.begun = true;
        }
        match found {
            Found::Tickets(broken) => self.elements(&mut piece, broken)?,
            Found::Log(broken) => {
                self.enter_log(&mut piece);
                self.elements(&mut piece, broken)?;
            }
        }
        piece.push('\n');
        Ok(piece)
    }

    fn enter_log(&mut self, piece: &mut String) {
        if !self.in_log {
            piece.push_str("],\"log\":{\"broken\":[");
            self.in_log = true;
            self.has_element = false;
        }
    }

    fn elements<T: Serialize>(&mut self, piece: &mut String, elements: &[T]) -> Result<()> {
        for element in elements {
            if self.has_element {
                piece.push(',');
            }
            piece.push_str(&serde_json::to_string(element).map_err(Problem::internal)?);
            self.has_element = true;
        }
        Ok(())
    }

    /// The end, once everything is verified.
    pub fn end(&mut self, verifier: &Verifier) -> Result<String> {
        let tree = &verifier.tree;
        let (mut piece, heads) = if verifier.is_of_one_ticket {
            ("],\"log\":null".to_owned(), None)
        } else {
            let mut piece = String::new();
            self.enter_log(&mut piece);
            piece.push_str(&format!("],\"size\":{},\"root\":\"{}\"}}", tree.size(), tree.root()));
            (
                piece,
                Some(HeadsVerification { verified: tree.verified_heads, broken: tree.broken_heads.clone() }),
            )
        };
        let head = verifier.foreign().map(|(head, status)| HeadVerification {
            size: head.size,
            root: BASE64_STANDARD.encode(head.root),
            status,
        });
        let rest = json!({
            "heads": heads,
            "head": head,
            "tickets": verifier.tickets,
            "events": verifier.events,
            "audit_events": verifier.audit_events,
            "redacted": verifier.redacted,
            "whole": verifier.is_whole(),
        });
        // Without its opening brace: it goes on what was written.
        let rest = serde_json::to_string(&rest).map_err(Problem::internal)?;
        piece.push(',');
        piece.push_str(rest.strip_prefix('{').unwrap_or(&rest));
        Ok(piece)
    }
}
