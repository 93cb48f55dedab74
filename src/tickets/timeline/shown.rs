//! The parts of an event that a requester sees: only those listed here. Pure.

use serde_json::{Map, Value};

use crate::audit::Change;
use crate::audit::kind::EventKind;

/// A kind of event, and the fields of its changes and details that its requester is notified of.
type Shown = (EventKind, &'static [&'static str], &'static [&'static str]);

/// The reasons of escalations, returns, reassignments and recomputations are internal.
const SHOWN: &[Shown] = &[
    (EventKind::Received, &[], &["channel", "resubmission_of_id", "unverified"]),
    (
        EventKind::Imported,
        &["subject", "description", "status", "category_id", "solution", "archive_reason", "archive_note"],
        &["external_source", "external_id"],
    ),
    (EventKind::Changed, &["subject", "description", "category_id"], &[]),
    (EventKind::Classified, &["status", "criticality", "category_id", "scheduled_for"], &[]),
    (EventKind::Assigned, &["status", "assignee_id"], &[]),
    (EventKind::Unassigned, &["status", "assignee_id"], &[]),
    (EventKind::Accepted, &["status", "scheduled_for"], &["followup_id"]),
    (EventKind::Rescheduled, &["scheduled_for"], &["followup_id", "reason"]),
    (EventKind::Escalated, &["status", "support_level"], &[]),
    (EventKind::Returned, &["status", "support_level"], &[]),
    (EventKind::Held, &["status"], &["reason"]),
    (EventKind::Resumed, &["status"], &["unverified"]),
    (EventKind::InformationRequested, &["status", "information_deadline"], &["missing", "followup_id"]),
    (EventKind::Solved, &["status", "solution"], &[]),
    (EventKind::Closed, &["status"], &["after_days"]),
    (EventKind::Reopened, &["status"], &["unverified"]),
    (EventKind::Archived, &["status", "category_id", "archive_reason", "archive_note"], &["reason"]),
    (EventKind::Resubmitted, &[], &["resubmitted_as_id"]),
    (EventKind::Merged, &["status", "archive_reason", "archive_note"], &["followup_id"]),
];

/// The kinds of events that a requester sees.
pub fn kinds() -> Vec<&'static str> {
    SHOWN.iter().map(|(kind, ..)| kind.as_str()).collect()
}

/// The fields of the changes and of the details of such an event that requesters see; `None` if they do not see the event.
pub fn shown(kind: EventKind) -> Option<(&'static [&'static str], &'static [&'static str])> {
    SHOWN.iter().find(|(known, ..)| *known == kind).map(|(_, fields, names)| (*fields, *names))
}

/// Removes from an event what its requester may not see.
pub fn cut_for_requester(kind: EventKind, changes: &mut Vec<Change>, details: &mut Value) {
    let (fields, names) = shown(kind).unwrap_or_default();
    changes.retain(|change| fields.contains(&change.field.as_str()));
    let told = names.iter().filter(|name| !details[**name].is_null());
    let told: Map<String, Value> = told.map(|name| ((*name).to_owned(), details[*name].clone())).collect();
    *details = Value::Object(told);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(field: &str) -> Change {
        Change { field: field.into(), from: json!(1), to: json!(2) }
    }

    #[test]
    fn what_is_not_named_is_not_shown() {
        for (kind, fields) in [
            (EventKind::Escalated, &["support_level"][..]),
            (EventKind::Returned, &["support_level"]),
            (EventKind::Overdue, &[]),
        ] {
            let mut details =
                json!({"reason": "Es del proveedor.", "third_party": "Redes S. A. S.", "new": 1});
            let mut changes: Vec<Change> =
                ["support_level", "assignee_id", "overdue_told_at"].map(change).into_iter().collect();
            cut_for_requester(kind, &mut changes, &mut details);
            let left: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
            assert_eq!((left.as_slice(), details), (fields, json!({})));
        }
        assert!(!kinds().contains(&"followup_added") && !kinds().contains(&"duplicate_merged"));
    }
}
