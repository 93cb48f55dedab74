//! The response of a verification, written in pieces while the verification runs.

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
#[expect(dead_code, reason = "declares in the contract what `Document` writes piece by piece")]
pub struct Verification {
    /// Every place where the history of a ticket is broken, by ticket and place.
    broken: Vec<Break>,
    /// The log of all events; `null` if one ticket was requested.
    log: Option<LogVerification>,
    /// The tree heads that the server keeps; `null` if one ticket was requested.
    heads: Option<HeadsVerification>,
    /// The result for the tree head of the request; `null` if the request has none.
    head: Option<HeadVerification>,
    /// The number of verified tickets.
    #[schema(minimum = 0)]
    #[serde(rename = "ticket_count")]
    tickets: i64,
    /// The number of their events.
    #[schema(minimum = 0)]
    #[serde(rename = "event_count")]
    events: i64,
    /// The number of verified audit events.
    #[schema(minimum = 0)]
    #[serde(rename = "audit_event_count")]
    audit_events: i64,
    /// The number of events of both kinds from which values were removed: personal data by law, or those of records
    /// whose retention period ended. Their content can no longer be verified; everything else of them is.
    #[schema(minimum = 0)]
    #[serde(rename = "redacted_event_count")]
    redacted: i64,
    /// Whether nothing is broken, in tickets, log and heads, and the requested head is consistent.
    whole: bool,
}

/// The result of verifying the log of all events.
#[derive(ToSchema)]
#[expect(dead_code, reason = "declares in the contract what `Document` writes piece by piece")]
pub struct LogVerification {
    /// Every broken audit event and every broken entry of the log.
    broken: Vec<LogBreak>,
    /// The number of entries that have a position and are leaves of the tree; an event gets its position within
    /// seconds.
    #[schema(minimum = 0)]
    #[serde(rename = "tree_size")]
    size: i64,
    /// The root of the tree of these entries (RFC 6962, SHA-256), in base64.
    #[schema(min_length = 44, max_length = 44)]
    root: String,
}

/// The result of verifying the tree heads.
#[derive(Serialize, ToSchema)]
pub struct HeadsVerification {
    /// The number of valid heads.
    #[schema(minimum = 0)]
    #[serde(rename = "verified_count")]
    verified: i64,
    /// The broken heads, by size.
    broken: Vec<HeadBreak>,
}

/// The relation of the history to a tree head that was kept elsewhere.
#[derive(Serialize, ToSchema)]
pub struct HeadVerification {
    /// The number of events in the head of the request (`head_size`).
    #[schema(minimum = 1, example = 5210)]
    #[serde(rename = "tree_size")]
    size: i64,
    /// The root of the head of the request (`head_root`), in standard base64.
    #[schema(min_length = 44, max_length = 44)]
    root: String,
    /// Whether the history still matches the head.
    status: HeadStatus,
}

/// The part of the document that is written.
#[derive(Default)]
pub struct Document {
    begun: bool,
    in_log: bool,
    /// Whether the list that is being written has an element.
    has_element: bool,
}

impl Document {
    /// The result of a step; only a line end if it is empty, so that the client sees progress.
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

    /// The end of the document, once everything is verified.
    pub fn end(&mut self, verifier: &Verifier) -> Result<String> {
        let tree = &verifier.tree;
        let (mut piece, heads) = if verifier.is_of_one_ticket {
            ("],\"log\":null".to_owned(), None)
        } else {
            let mut piece = String::new();
            self.enter_log(&mut piece);
            piece.push_str(&format!("],\"tree_size\":{},\"root\":\"{}\"}}", tree.size(), tree.root()));
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
            "ticket_count": verifier.tickets,
            "event_count": verifier.events,
            "audit_event_count": verifier.audit_events,
            "redacted_event_count": verifier.redacted,
            "whole": verifier.is_whole(),
        });
        // Without its opening brace: it continues the text written before.
        let rest = serde_json::to_string(&rest).map_err(Problem::internal)?;
        piece.push(',');
        piece.push_str(rest.strip_prefix('{').unwrap_or(&rest));
        Ok(piece)
    }
}
