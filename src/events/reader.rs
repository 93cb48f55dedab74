//! Who reads the log, and what each of them receives of an entry. Pure.

use serde_json::Value;
use uuid::Uuid;

use super::entry::Entry;
use super::model::{
    Envelope, LogEvent, RecordLogEvent, RecordLogEventData, RecordTag, TicketLogEvent, TicketLogEventData,
    TicketTag,
};
use super::types::{FOLLOWED, Wanted, followed, type_of};
use crate::audit::kind::EventKind;
use crate::auth::policy::{Action, PermissionScope};
use crate::auth::ticket_limit::TicketLimit;
use crate::http::Actor;
use crate::tickets::event_details;
use crate::tickets::timeline::shown;

/// What a reader of the log may see.
#[derive(Debug, Clone)]
pub struct Reader {
    pub id: Uuid,
    tickets: Tickets,
    limit: TicketLimit,
    /// Which of the resources that are followed, in their order.
    resources: Vec<bool>,
    /// Of other resources, their own surveys only.
    is_requester: bool,
}

/// Which events of tickets a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tickets {
    None,
    /// Of their own tickets, what requesters are notified of.
    Own,
    /// Of all tickets, what requesters are notified of.
    Public,
    All,
}

impl Reader {
    pub fn new(actor: &Actor) -> Self {
        let rights = actor.rights();
        let may = |action: Action| rights.permitted(&[action]);
        let tickets = match (may(Action::ReadTicket), may(Action::UsePrivateFollowups)) {
            (None, _) => Tickets::None,
            (Some(PermissionScope::Own), _) => Tickets::Own,
            (Some(_), None) => Tickets::Public,
            (Some(_), Some(_)) => Tickets::All,
        };
        let reads = |action| match action {
            // Nobody but them reads single answers.
            Action::ReadSurveyAnswers => may(action).is_some_and(|scope| scope != PermissionScope::Totals),
            _ => may(action).is_some(),
        };
        let resources = FOLLOWED.iter().map(|followed| reads(followed.read)).collect();
        Reader {
            id: actor.id,
            tickets,
            limit: actor.limit.clone(),
            resources,
            is_requester: !actor.is_staff(),
        }
    }

    /// Whether the reader sees events of a few tickets only, so that the log is read by ticket. Such a reader must not learn
    /// how many entries the log has: positions are hidden from them.
    pub fn reads_own(&self) -> bool {
        self.is_requester || matches!(self.tickets, Tickets::None | Tickets::Own)
    }

    /// Whether the reader may know who has a ticket with this unit of its requester and this category open: those who may read
    /// its private followups.
    pub fn sees_presence(&self, unit_id: Option<Uuid>, category_id: Option<Uuid>) -> bool {
        self.tickets == Tickets::All && self.limit.includes(unit_id, category_id)
    }

    /// The event that this entry is for the reader, without its cursor; `None` if it is none, or not of a type that is wanted.
    pub fn event(&self, entry: &Entry, wanted: &Wanted) -> Option<LogEvent> {
        match (entry.ticket_id, &entry.resource) {
            (Some(ticket_id), _) => self.ticket_event(entry, ticket_id, wanted),
            (None, Some(resource)) => self.record_event(entry, resource, wanted),
            (None, None) => None,
        }
    }

    fn ticket_event(&self, entry: &Entry, ticket_id: i64, wanted: &Wanted) -> Option<LogEvent> {
        let own = entry.requester_id == Some(self.id);
        let is_cut = match self.tickets {
            Tickets::All => false,
            Tickets::Public => true,
            Tickets::Own if own => true,
            Tickets::Own | Tickets::None => return None,
        };
        if !self.limit.includes(entry.unit_id, entry.category_id) {
            return None;
        }
        let kind = EventKind::ALL.iter().copied().find(|kind| kind.as_str() == entry.kind)?;
        let mut details = event_details::published(entry.details.clone());
        let mut fields = entry.fields.clone();
        let (mut kind, mut actor_id) = (kind, entry.actor_id);
        if is_cut {
            match kind {
                EventKind::FollowupAdded | EventKind::FileAttached if entry.is_public => {
                    fields.clear();
                    // The files of a followup that was private before.
                    if kind == EventKind::FileAttached && !details["followup_id"].is_null() {
                        actor_id = None;
                    }
                }
                // That a public followup was private before is internal, and who published it.
                EventKind::FollowupPublished => {
                    (kind, actor_id) = (EventKind::FollowupAdded, None);
                    fields.clear();
                }
                _ => {
                    let (shown, names) = shown::shown(kind)?;
                    fields.retain(|field| shown.contains(&field.as_str()));
                    if !names.contains(&"followup_id") {
                        details["followup_id"].take();
                    }
                }
            }
        }
        let r#type = type_of("ticket", kind.as_str());
        if !wanted.includes(&r#type) {
            return None;
        }
        let id = |name: &str| details[name].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let attachment_ids = files(&details);
        let followup_id = id("followup_id");
        let ticket = format!("/api/v1/tickets/{ticket_id}");
        let link = match (kind, followup_id) {
            (EventKind::FollowupAdded | EventKind::FollowupPublished, Some(followup)) => {
                format!("{ticket}/followups/{followup}")
            }
            _ => ticket,
        };
        Some(LogEvent::Ticket(TicketLogEvent {
            envelope: Envelope::of(entry, format!("ticket/{ticket_id}")),
            about: TicketTag::Ticket,
            r#type,
            data: TicketLogEventData {
                ticket_id,
                resource_version: entry.ticket_version.unwrap_or_default(),
                changed_fields: fields,
                followup_id,
                attachment_ids: if kind == EventKind::FileAttached { attachment_ids } else { Vec::new() },
                actor_id,
                link,
            },
        }))
    }

    fn record_event(&self, entry: &Entry, resource: &str, wanted: &Wanted) -> Option<LogEvent> {
        let followed = followed(resource, &entry.kind)?;
        let index = FOLLOWED.iter().position(|one| one.resource == followed.resource)?;
        let survey = resource == "survey";
        let own_survey = survey && entry.requester_id == Some(self.id);
        let may_read = self.resources.get(index).copied().unwrap_or_default();
        if !(may_read && !self.is_requester || own_survey) {
            return None;
        }
        let r#type = type_of(resource, &entry.kind);
        if !wanted.includes(&r#type) {
            return None;
        }
        let resource_id = entry.resource_id.clone();
        let subject =
            resource_id.as_ref().map_or_else(|| resource.to_owned(), |id| format!("{resource}/{id}"));
        let link = followed.path.zip(resource_id.as_ref()).map(|(path, id)| format!("/api/v1/{path}/{id}"));
        let number = |name: &str| entry.details[name].as_i64().and_then(|number| i32::try_from(number).ok());
        Some(LogEvent::Record(RecordLogEvent {
            envelope: Envelope::of(entry, subject),
            about: RecordTag::Record,
            r#type,
            data: RecordLogEventData {
                resource: followed.resource,
                resource_id,
                resource_version: number("version").or_else(|| number("revision")),
                changed_fields: entry.fields.clone(),
                // Who answered a survey is not for those who read the answers.
                actor_id: entry.actor_id.filter(|_| !survey),
                link,
            },
        }))
    }
}

/// The files that the details of an event name.
fn files(details: &Value) -> Vec<Uuid> {
    let several = details["attachment_ids"].as_array().into_iter().flatten();
    let ids = std::iter::once(&details["attachment_id"]).chain(several);
    ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
}
