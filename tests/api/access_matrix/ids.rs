//! The ids that a request can name, by what the parameter or property that takes them is called.

use std::collections::HashMap;

/// What an id names, by the name of its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    Ticket,
    Followup,
    Attachment,
    Article,
    User,
    /// Anything else with a UUID.
    Other,
    /// Anything else with an integer.
    OtherNumber,
}

impl Slot {
    /// By the name that a parameter or a property has: `ticket_id`, `duplicate_of`, `assignee_id`.
    pub fn of(name: &str, is_integer: bool) -> Self {
        let has = |part: &str| name.contains(part);
        match name {
            _ if has("followup") => Slot::Followup,
            _ if has("attachment") => Slot::Attachment,
            _ if has("article") => Slot::Article,
            _ if is_integer && (has("ticket") || has("_of") || has("parent")) => Slot::Ticket,
            _ if is_integer => Slot::OtherNumber,
            _ if ["user", "requester", "assignee", "actor", "author", "owner", "head"]
                .iter()
                .any(|one| has(one)) =>
            {
                Slot::User
            }
            _ => Slot::Other,
        }
    }
}

/// The ids that an actor knows: of what they may see, and of what they may not.
#[derive(Clone, Default)]
pub struct Ids {
    pub visible: HashMap<Slot, String>,
    pub hidden: HashMap<Slot, Vec<String>>,
}

impl Ids {
    pub fn visible(&self, slot: Slot) -> Option<String> {
        self.visible.get(&slot).cloned()
    }

    pub fn hidden(&self, slot: Slot) -> Vec<String> {
        self.hidden.get(&slot).cloned().unwrap_or_default()
    }

    /// A well-formed id of nothing.
    pub fn unknown(slot: Slot) -> String {
        match slot {
            Slot::Ticket | Slot::OtherNumber => "987654321".to_owned(),
            _ => "0197c0de-0000-7000-8000-000000000000".to_owned(),
        }
    }

    /// A well-formed id of something else.
    pub fn of_another_type(slot: Slot, known: &Ids) -> String {
        let other = match slot {
            // There is no other thing that a number names.
            Slot::Ticket | Slot::OtherNumber => return "987654322".to_owned(),
            Slot::User => Slot::Attachment,
            _ => Slot::User,
        };
        known.visible(other).unwrap_or_else(|| Self::unknown(slot))
    }
}
