//! Who has which ticket open, for those who follow the log at this copy of the server.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::entry::Entry;
use crate::tickets::presence::rows::Present;

/// How many changes are kept for those who are behind; they get all that is there instead.
const KEPT: usize = 1024;

/// Somebody came, does something else or left.
#[derive(Debug)]
pub struct Change {
    /// The unit of the requester of the ticket.
    pub unit_id: Option<Uuid>,
    /// The category of the ticket.
    pub category_id: Option<Uuid>,
    /// As it is sent: without an `id`, so that it is no place to continue after.
    pub text: Bytes,
}

/// All who are there, and the last changes.
#[derive(Debug, Default)]
pub struct Presences {
    there: HashMap<(i64, Uuid), (Present, Arc<Change>)>,
    changes: VecDeque<Arc<Change>>,
    /// How many changes there were.
    count: u64,
}

impl Change {
    fn of(present: &Present) -> Option<Arc<Self>> {
        let data = serde_json::to_string(&present.person()).ok()?;
        let text = Bytes::from(format!("event: presence\ndata: {data}\n\n"));
        Some(Arc::new(Change { unit_id: present.unit_id, category_id: present.category_id, text }))
    }
}

impl Presences {
    /// How many changes there were: the place of one who knows all of them.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes in rows of the database, which may be known already, and forgets who did not repeat that they are there.
    pub fn update(&mut self, rows: Vec<Present>, now: DateTime<Utc>) {
        for row in rows {
            let key = (row.ticket_id, row.user_id);
            let known = self.there.get(&key);
            if row.activity.is_none() || row.expires_at <= now {
                if known.is_some() {
                    self.there.remove(&key);
                    self.add(Change::of(&row.gone()));
                }
            } else if known.is_none_or(|(known, _)| known.activity != row.activity) {
                if let Some(change) = Change::of(&row) {
                    self.there.insert(key, (row, Arc::clone(&change)));
                    self.add(Some(change));
                }
            } else if let Some((known, _)) = self.there.get_mut(&key) {
                known.expires_at = row.expires_at;
            }
        }
        let gone = self.there.extract_if(|_, (present, _)| present.expires_at <= now);
        let gone: Vec<Present> = gone.map(|(_, (present, _))| present.gone()).collect();
        for present in gone {
            self.add(Change::of(&present));
        }
    }

    /// The ticket of this entry may have another category: others may know who is there.
    pub fn take_in(&mut self, entry: &Entry) {
        let mut changes = Vec::new();
        for ((ticket_id, _), (present, change)) in &mut self.there {
            let is_moved = (present.unit_id, present.category_id) != (entry.unit_id, entry.category_id);
            if Some(*ticket_id) == entry.ticket_id && is_moved {
                // For those who saw it before; those who see it now get that the person is there.
                let mut gone = present.clone();
                gone.activity = None;
                changes.push(Change::of(&gone));
                (present.unit_id, present.category_id) = (entry.unit_id, entry.category_id);
                if let Some(moved) = Change::of(present) {
                    *change = Arc::clone(&moved);
                    changes.push(Some(moved));
                }
            }
        }
        changes.into_iter().for_each(|change| self.add(change));
    }

    fn add(&mut self, change: Option<Arc<Change>>) {
        let Some(change) = change else { return };
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.count += 1;
    }

    /// What one does not know who knows the first `known` changes; `None`: nothing.
    pub fn after(&self, known: Option<u64>) -> Vec<Arc<Change>> {
        let missing = known.and_then(|known| usize::try_from(self.count.checked_sub(known)?).ok());
        match missing {
            Some(missing) if missing <= self.changes.len() => {
                self.changes.range(self.changes.len() - missing..).cloned().collect()
            }
            _ => self.there.values().map(|(_, change)| Arc::clone(change)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn row(user: u128, activity: Option<&str>, expires_at: DateTime<Utc>) -> Present {
        serde_json::from_value(json!({
            "ticket_id": 7, "unit_id": null, "category_id": null, "user_id": Uuid::from_u128(user),
            "full_name": "Rosa Peña", "role": "technician", "kind": "person", "activity": activity,
            "started_at": "2026-11-30T15:00:00Z", "expires_at": expires_at,
        }))
        .unwrap()
    }

    fn texts(presences: &Presences, known: Option<u64>) -> Vec<String> {
        let changes = presences.after(known);
        changes.iter().map(|change| String::from_utf8(change.text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_repetition_is_no_change_and_who_does_not_repeat_leaves() {
        let now: DateTime<Utc> = "2026-11-30T15:00:00Z".parse().unwrap();
        let at = |seconds| now + TimeDelta::seconds(seconds);
        let mut presences = Presences::default();
        presences.update(vec![row(1, Some("viewing"), at(60)), row(2, Some("viewing"), at(60))], now);
        assert_eq!((presences.count(), presences.after(None).len()), (2, 2));
        presences.update(vec![row(1, Some("viewing"), at(90))], at(30));
        assert_eq!(presences.count(), 2);
        presences.update(vec![row(1, Some("replying"), at(95))], at(35));
        let last = texts(&presences, Some(2));
        assert!(last.len() == 1 && last[0].contains("\"activity\":\"replying\""), "{last:?}");
        assert!(last[0].starts_with("event: presence\ndata: {") && !last[0].contains("id: "), "{last:?}");
        presences.update(Vec::new(), at(60));
        assert!(texts(&presences, Some(3))[0].contains("\"activity\":null"));
        presences.update(vec![row(1, None, at(130))], at(70));
        assert!(texts(&presences, Some(4))[0].contains("\"activity\":null"));
        assert!(presences.after(None).is_empty() && presences.after(Some(5)).is_empty());
        // Read again.
        presences.update(vec![row(1, None, at(130))], at(71));
        assert_eq!(presences.count(), 5);
    }

    #[test]
    fn one_who_is_far_behind_gets_all_that_is_there() {
        let now: DateTime<Utc> = "2026-11-30T15:00:00Z".parse().unwrap();
        let mut presences = Presences::default();
        for number in 0..KEPT {
            let activity = if number % 2 == 0 { "viewing" } else { "replying" };
            presences.update(vec![row(1, Some(activity), now + TimeDelta::seconds(60))], now);
        }
        presences.update(vec![row(2, Some("viewing"), now + TimeDelta::seconds(60))], now);
        assert_eq!(presences.after(Some(0)).len(), 2);
        assert_eq!(presences.after(Some(1)).len(), KEPT);
    }
}
