//! The ids that a request can name, classified by the name of the parameter or property.

use std::collections::HashMap;

/// The kind of resource that an id refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    Ticket,
    Followup,
    Attachment,
    Article,
    User,
    /// Any other resource with a UUID.
    Other,
    /// Any other resource with an integer id.
    OtherNumber,
}

impl Slot {
    /// Determines the kind from the name of a parameter or property: `ticket_id`, `duplicate_of`, `assignee_id`.
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

/// The ids that an actor uses: of resources that the actor may see, and of resources that are hidden from them.
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

    /// A well-formed id that does not exist.
    pub fn unknown(slot: Slot) -> String {
        match slot {
            Slot::Ticket | Slot::OtherNumber => "987654321".to_owned(),
            _ => "0197c0de-0000-7000-8000-000000000000".to_owned(),
        }
    }

    /// A well-formed id of a resource of another type.
    pub fn of_another_type(slot: Slot, known: &Ids) -> String {
        let other = match slot {
            // No resource of another type is identified by a number.
            Slot::Ticket | Slot::OtherNumber => return "987654322".to_owned(),
            Slot::User => Slot::Attachment,
            _ => Slot::User,
        };
        known.visible(other).unwrap_or_else(|| Self::unknown(slot))
    }
}
