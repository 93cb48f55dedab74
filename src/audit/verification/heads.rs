//! Compares tree heads with the tree computed from the current events.

use std::iter::Peekable;
use std::vec::IntoIter;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde::Serialize;
use utoipa::ToSchema;

use super::log::{Entry, KeptHead, LogBreak, LogBreakReason};
use crate::audit::tree::frontier::Frontier;
use crate::audit::tree::hash::Hash;
use crate::audit::tree::note::Note;
use crate::config::audit_keys::PublicKey;
use crate::language::text_enum;

text_enum! {
    /// The fault of a tree head that the server keeps.
    pub enum HeadBreakReason {
        /// The note is not signed with a configured key, or differs from its row in the database.
        Signature = "signature",
        /// The events up to this head are not those of the time when it was made.
        Root = "root",
        /// The log has fewer entries than the head.
        RolledBack = "rolled_back",
    }
}

/// A broken tree head.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeadBreak {
    /// The number of events in the broken head; it identifies the head.
    #[schema(minimum = 1, example = 5210)]
    #[serde(rename = "tree_size")]
    pub size: i64,
    /// What is wrong with the head.
    pub reason: HeadBreakReason,
}

text_enum! {
    /// The relation of the history to a tree head that was kept elsewhere.
    pub enum HeadStatus {
        /// The events up to the head are those of the time when it was made.
        Consistent = "consistent",
        /// The log has fewer entries than the head: an older state of the database was restored, or events were
        /// removed.
        RolledBack = "rolled_back",
        /// The events up to the head are not those of the time when it was made, or one of `broken` and `log.broken`
        /// says that the history is broken.
        Rewritten = "rewritten",
    }
}

/// A tree head that was kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignHead {
    pub size: i64,
    pub root: Hash,
}

impl ForeignHead {
    /// The root as its note writes it, or in URL-safe base64; `None` if it is neither.
    pub fn parse_root(text: &str) -> Option<Hash> {
        // A plus sign that was not encoded in a URL arrives as a space.
        let text = text.replace(' ', "+");
        let decoded = BASE64_STANDARD.decode(&text).or_else(|_| BASE64_URL_SAFE.decode(&text));
        decoded.ok()?.try_into().ok()
    }
}

/// The tree as far as it is computed, and the heads compared with it.
pub struct Tree {
    keys: Vec<PublicKey>,
    foreign: Option<ForeignHead>,
    /// The root at the size of the foreign head, once the tree is that large.
    foreign_root: Option<Hash>,
    tree: Frontier,
    /// The next position.
    next: i64,
    pub verified_heads: i64,
    pub last_verified: Option<i64>,
    pub broken_heads: Vec<HeadBreak>,
}

impl Tree {
    pub fn new(keys: Vec<PublicKey>, foreign: Option<ForeignHead>) -> Self {
        Tree {
            keys,
            foreign,
            foreign_root: None,
            tree: Frontier::default(),
            next: 0,
            verified_heads: 0,
            last_verified: None,
            broken_heads: Vec::new(),
        }
    }

    pub fn size(&self) -> i64 {
        self.tree.size()
    }

    pub fn root(&self) -> String {
        BASE64_STANDARD.encode(self.tree.root())
    }

    /// Adds entries in the order of their positions; returns their faults.
    pub fn add(&mut self, entries: &[Entry], heads: Vec<KeptHead>, is_last: bool) -> Vec<LogBreak> {
        let mut broken = Vec::new();
        let mut heads = heads.into_iter().peekable();
        for entry in entries {
            if entry.position != self.next {
                broken.push(LogBreak {
                    position: Some(self.next),
                    source: None,
                    event_id: None,
                    reason: LogBreakReason::EntryMissing,
                });
            }
            self.next = entry.position.saturating_add(1);
            broken.extend(entry.fault.map(|fault| LogBreak {
                position: Some(entry.position),
                source: Some(fault.source),
                event_id: Some(fault.event_id),
                reason: fault.reason,
            }));
            self.tree.push_leaf(entry.leaf);
            self.hold_against(&mut heads);
            if self.foreign.is_some_and(|head| head.size == self.tree.size()) {
                self.foreign_root = Some(self.tree.root());
            }
        }
        if is_last {
            let beyond = heads.map(|head| HeadBreak { size: head.size, reason: HeadBreakReason::RolledBack });
            self.broken_heads.extend(beyond);
        }
        broken
    }

    fn hold_against(&mut self, heads: &mut Peekable<IntoIter<KeptHead>>) {
        let Some(head) = heads.next_if(|head| head.size <= self.tree.size()) else { return };
        let reason = if head.root != self.tree.root() {
            Some(HeadBreakReason::Root)
        } else if !self.is_genuine(&head) {
            Some(HeadBreakReason::Signature)
        } else {
            None
        };
        match reason {
            Some(reason) => self.broken_heads.push(HeadBreak { size: head.size, reason }),
            None => {
                self.verified_heads += 1;
                self.last_verified = Some(head.size);
            }
        }
    }

    /// Whether the note matches its row and is signed. Without a key, signatures are not verified.
    fn is_genuine(&self, head: &KeptHead) -> bool {
        Note::find(&head.note).is_ok_and(|note| {
            note.checkpoint.size == head.size
                && note.checkpoint.root[..] == head.root[..]
                && (self.keys.is_empty() || note.is_signed_by(&self.keys))
        })
    }

    /// The relation of the tree to the foreign head, once it has all entries; `is_whole` is whether nothing else is
    /// broken.
    pub fn foreign(&self, is_whole: bool) -> Option<(ForeignHead, HeadStatus)> {
        let head = self.foreign?;
        let status = match self.foreign_root {
            None => HeadStatus::RolledBack,
            Some(root) if root == head.root && is_whole => HeadStatus::Consistent,
            Some(_) => HeadStatus::Rewritten,
        };
        Some((head, status))
    }
}
