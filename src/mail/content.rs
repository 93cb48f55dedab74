//! The content of a message: the ticket and its change, in the recipient's language.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{accounts, actions, templates};
use crate::auth::policy::Role;
use crate::config::Config;
use crate::db::schema::{followups, messages, ticket_watchers, tickets, users};
use crate::language::locale::Locale;
use crate::outbox::MessageKind;
use crate::outbox::delivery::Message;
use crate::people::person;
use crate::people::user::is_named;
use crate::problem::{Problem, Result, Text};
use crate::surveys::links;
use crate::tickets::model::Criticality;
use crate::tickets::workflow::TicketStatus;

/// The kinds of messages that ask the recipient to answer the survey.
const WITH_LINK: [MessageKind; 2] = [MessageKind::Solved, MessageKind::SurveyReminder];

/// The content and the recipient of a message.
#[derive(Debug)]
pub struct Content {
    /// Empty if the name of the recipient is not known.
    pub to_name: String,
    pub to_address: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The first message of the recipient's ticket, which all others reply to.
    pub root: Uuid,
    pub(super) link: Option<String>,
    pub(super) shown_link: String,
}

impl Content {
    /// The text without the link that opens the survey.
    pub fn shown_text(&self) -> String {
        match &self.link {
            Some(link) => self.text.replace(link, &self.shown_link),
            None => self.text.clone(),
        }
    }
}

/// The purpose of the content.
#[derive(Clone, Copy, PartialEq)]
pub enum Purpose {
    /// To be sent: each link is new, and opens its survey.
    Sending,
    /// To be displayed: no link is valid.
    Showing,
}

#[derive(Serialize, Queryable, Selectable)]
#[diesel(table_name = tickets)]
struct TicketWords {
    #[serde(skip)]
    id: i64,
    #[serde(skip)]
    subject: String,
    status: TicketStatus,
    criticality: Option<Criticality>,
    support_level: i16,
    attention_due_at: Option<DateTime<Utc>>,
    solution: Option<String>,
    #[serde(skip)]
    solved_at: Option<DateTime<Utc>>,
    #[serde(rename = "requester")]
    requester_full_name: String,
    #[serde(rename = "unit")]
    requester_unit_name: Option<String>,
    #[serde(skip)]
    requester_id: Uuid,
    #[serde(skip)]
    assignee_id: Option<Uuid>,
    #[serde(skip)]
    reply_to: Option<String>,
}

/// The variables of the templates.
#[derive(Serialize)]
struct Context<'a> {
    reader: &'a str,
    to_requester: bool,
    /// The recipient can turn off mail like this.
    can_be_turned_off: bool,
    /// The recipient watches this request: they have a separate one about the same, or staff added them.
    watcher: bool,
    /// The number of this request, for a watcher whom staff added.
    followed: Option<i64>,
    ticket: TicketContext<'a>,
    /// For `parent_solved`: the ticket that was solved.
    parent: Option<ParentContext<'a>>,
    data: &'a Value,
    /// The text and the author of the followup that the message is about.
    followup: Option<&'a str>,
    author: Option<&'a str>,
    link: Option<&'a str>,
    survey_days: i64,
    /// When a solved ticket is closed automatically; none if it is no longer solved.
    closes_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct TicketContext<'a> {
    /// The recipient's own ticket; none if it no longer exists.
    id: Option<i64>,
    subject: &'a str,
    #[serde(flatten)]
    words: &'a TicketWords,
    assignee: Option<&'a str>,
}

#[derive(Serialize)]
struct ParentContext<'a> {
    subject: &'a str,
    /// None if it was reopened since.
    solution: Option<&'a str>,
}

pub(super) struct Recipient {
    pub name: String,
    pub address: String,
    pub locale: Locale,
    pub active: bool,
    pub role: Role,
}

/// The data to render the messages of a batch: loaded with a connection, rendered without.
pub struct Loaded {
    known: Known,
    accounts: accounts::Known,
    actions: actions::Known,
}

impl Loaded {
    pub fn load(
        db: &mut PgConnection,
        wanted: &[Message],
        purpose: Purpose,
        config: &Config,
    ) -> Result<Self> {
        Ok(Loaded {
            known: Known::load(db, wanted, purpose, config)?,
            accounts: accounts::Known::load(db, wanted, purpose, config)?,
            actions: actions::Known::load(db, wanted)?,
        })
    }

    /// Whether the recipient may read what the message is about now: a message may have waited while the account of
    /// its recipient was deactivated, lost the role of staff or was removed from the watchers.
    pub fn may_read(&self, message: &Message) -> bool {
        if message.kind.is_about_account() {
            return true;
        }
        let Some(recipient) = self.known.recipients.get(&message.recipient_id) else { return false };
        let is_staff = recipient.role != Role::Requester;
        let is_own = message.ticket_id.is_none_or(|id| {
            self.known.tickets.get(&id).is_some_and(|ticket| ticket.requester_id == message.recipient_id)
        });
        let watches =
            || message.ticket_id.is_some_and(|id| self.known.watchers.contains(&(id, message.recipient_id)));
        recipient.active && (is_staff || is_own || is_to_watcher(message) && watches())
    }

    /// The content of one of the loaded messages.
    pub fn content(&self, message: &Message, config: &Config) -> Result<Content> {
        let recipient = self.known.recipients.get(&message.recipient_id);
        match message.improvement_action_id {
            Some(id) => self.actions.content(id, message, recipient, config),
            None if message.kind.is_about_account() => self.accounts.content(message, recipient, config),
            None => self.known.content(message, config),
        }
    }
}

/// The data of the messages of a batch, loaded by one statement for each kind.
struct Known {
    tickets: HashMap<i64, TicketWords>,
    recipients: HashMap<Uuid, Recipient>,
    people: HashMap<Uuid, person::Person>,
    followups: HashMap<Uuid, (String, String)>,
    roots: HashMap<i64, Uuid>,
    /// For each watcher, the watcher's ticket that was merged into the one of the message.
    watching: HashMap<(i64, Uuid), i64>,
    /// The people who watch the tickets of messages to watchers now.
    watchers: HashSet<(i64, Uuid)>,
    links: HashMap<Uuid, String>,
    shown_link: String,
}

fn followup_of(message: &Message) -> Option<Uuid> {
    message.data["followup_id"].as_str()?.parse().ok()
}

/// For messages to the assignee of a child ticket: the parent ticket that was solved.
fn parent_of(message: &Message) -> Option<i64> {
    message.data["parent_id"].as_i64()
}

/// A watcher must not see whose ticket this is. If they had a request about the same, the mail is about their own
/// ticket.
fn is_to_watcher(message: &Message) -> bool {
    message.data["watcher"] == true
}

/// A watcher whom staff added: the mail has the number of the ticket.
fn is_to_added(message: &Message) -> bool {
    is_to_watcher(message) && message.data["added"] == true
}

/// The subject for a watcher whose own ticket is no longer known.
const ABOUT_THE_SAME: Text =
    Text::new("Novedades del asunto de su solicitud", "News about the matter of your request");

/// The subject for a watcher whom staff added.
fn followed_subject(ticket_id: i64) -> Text {
    Text::made(
        format!("Novedades de la solicitud {ticket_id}, que usted sigue"),
        format!("News of request {ticket_id}, which you watch"),
    )
}

/// For each message to a watcher, the watcher's own ticket: merged into the one it is about, directly or through
/// others.
fn watching(db: &mut PgConnection, wanted: &[Message]) -> Result<HashMap<(i64, Uuid), i64>> {
    #[derive(QueryableByName)]
    struct Own {
        #[diesel(sql_type = BigInt)]
        about: i64,
        #[diesel(sql_type = SqlUuid)]
        requester_id: Uuid,
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let messages: Vec<&Message> =
        wanted.iter().filter(|message| is_to_watcher(message) && !is_to_added(message)).collect();
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let (about, readers): (Vec<i64>, Vec<Uuid>) =
        messages.iter().filter_map(|message| Some((message.ticket_id?, message.recipient_id))).unzip();
    let own: Vec<Own> = diesel::sql_query(
        "WITH RECURSIVE merged (about, id) AS ( \
             SELECT about, about FROM unnest($1) AS about \
             UNION SELECT m.about, r.ticket_id FROM ticket_relations r JOIN merged m ON r.related_id = m.id \
             WHERE r.kind = 'duplicate_of') \
         SELECT DISTINCT ON (m.about, t.requester_id) m.about, t.requester_id, t.id \
         FROM merged m JOIN tickets t ON t.id = m.id \
         WHERE t.requester_id = ANY($2) AND t.id <> m.about \
         ORDER BY m.about, t.requester_id, t.id",
    )
    .bind::<Array<BigInt>, _>(about)
    .bind::<Array<SqlUuid>, _>(readers)
    .load(db)?;
    Ok(own.into_iter().map(|own| ((own.about, own.requester_id), own.id)).collect())
}

/// Who watches the tickets of the messages to watchers.
fn watchers(db: &mut PgConnection, wanted: &[Message]) -> Result<HashSet<(i64, Uuid)>> {
    let about: Vec<i64> = wanted
        .iter()
        .filter(|message| is_to_watcher(message))
        .filter_map(|message| message.ticket_id)
        .collect();
    if about.is_empty() {
        return Ok(HashSet::new());
    }
    let found = ticket_watchers::table.filter(ticket_watchers::ticket_id.eq_any(about));
    let pairs: Vec<(i64, Uuid)> =
        found.select((ticket_watchers::ticket_id, ticket_watchers::user_id)).load(db)?;
    Ok(pairs.into_iter().collect())
}

impl Known {
    fn load(db: &mut PgConnection, wanted: &[Message], purpose: Purpose, config: &Config) -> Result<Self> {
        let (watching, watchers) = (watching(db, wanted)?, watchers(db, wanted)?);
        let of_messages = wanted.iter().flat_map(|message| [message.ticket_id, parent_of(message)]);
        let ticket_ids: HashSet<i64> = of_messages.flatten().chain(watching.values().copied()).collect();
        let found = tickets::table.filter(tickets::id.eq_any(&ticket_ids));
        let mut rows: Vec<TicketWords> = found.select(TicketWords::as_select()).load(db)?;
        for row in &mut rows {
            row.subject = one_line(&row.subject);
            row.requester_full_name = one_line(&row.requester_full_name);
            row.requester_unit_name = row.requester_unit_name.as_deref().map(one_line);
        }
        let people = person::by_id(db, rows.iter().filter_map(|ticket| ticket.assignee_id))?;
        let recipients: Vec<(Uuid, String, String, Locale, bool, Role)> = users::table
            .filter(users::id.eq_any(wanted.iter().map(|message| message.recipient_id)))
            .select((users::id, users::full_name, users::email, users::locale, users::active, users::role))
            .load(db)?;
        let followups: Vec<(Uuid, String, String)> = followups::table
            .inner_join(users::table)
            .filter(followups::id.eq_any(wanted.iter().filter_map(followup_of)))
            .select((followups::id, followups::body, users::full_name))
            .load(db)?;
        let roots: Vec<(i64, Uuid)> = messages::table
            .filter(messages::ticket_id.eq_any(&ticket_ids))
            .distinct_on(messages::ticket_id)
            .order((messages::ticket_id, messages::created_at, messages::id))
            .select((messages::ticket_id.assume_not_null(), messages::id))
            .load(db)?;
        let tickets: HashMap<i64, TicketWords> = rows.into_iter().map(|row| (row.id, row)).collect();
        let asking: Vec<(Uuid, i64)> = wanted
            .iter()
            .filter(|message| WITH_LINK.contains(&message.kind))
            .filter_map(|message| Some((message.recipient_id, message.id, message.ticket_id?)))
            .filter(|(recipient, _, ticket)| {
                tickets.get(ticket).is_some_and(|ticket| ticket.requester_id == *recipient)
            })
            .map(|(_, message, ticket)| (message, ticket))
            .collect();
        let shown_link = format!("{}/s/…", config.links_from());
        let links = match purpose {
            Purpose::Sending => links::make(db, &asking, config)?,
            Purpose::Showing => links::pending(db, &asking)?
                .into_iter()
                .map(|(message, _)| (message, shown_link.clone()))
                .collect(),
        };
        Ok(Known {
            tickets,
            recipients: recipients
                .into_iter()
                .map(|(id, name, address, locale, active, role)| {
                    (id, Recipient { name: known_name(&name), address, locale, active, role })
                })
                .collect(),
            people,
            followups: followups.into_iter().map(|(id, body, name)| (id, (body, one_line(&name)))).collect(),
            roots: roots.into_iter().collect(),
            watching,
            watchers,
            links,
            shown_link,
        })
    }

    fn content(&self, message: &Message, config: &Config) -> Result<Content> {
        let missing = || Problem::internal("a message without its ticket or its reader");
        let ticket_id = message.ticket_id.ok_or_else(missing)?;
        let ticket = self.tickets.get(&ticket_id).ok_or_else(missing)?;
        let reader = self.recipients.get(&message.recipient_id).ok_or_else(missing)?;
        let followup = followup_of(message).and_then(|id| self.followups.get(&id));
        let link = self.links.get(&message.id).map(String::as_str);
        let assignee = ticket.assignee_id.and_then(|id| self.people.get(&id));
        // The requester may have asked for answers at another address.
        let address = ticket.reply_to.as_ref().filter(|_| ticket.requester_id == message.recipient_id);
        let watcher = is_to_watcher(message);
        let own = match watcher {
            true => self.watching.get(&(ticket_id, message.recipient_id)),
            false => Some(&ticket_id),
        };
        let own = own.and_then(|id| self.tickets.get(id));
        let followed = is_to_added(message).then_some(ticket_id);
        let subject = match own {
            None if followed.is_some() => followed_subject(ticket_id).in_locale(reader.locale).to_owned(),
            Some(own) => format!("[#{}] {}", own.id, own.subject),
            None => ABOUT_THE_SAME.in_locale(reader.locale).to_owned(),
        };
        let context = Context {
            reader: &reader.name,
            to_requester: ticket.requester_id == message.recipient_id,
            can_be_turned_off: message.kind.can_be_turned_off()
                && ticket.assignee_id != Some(message.recipient_id)
                && ticket.criticality != Some(Criticality::Critical),
            watcher,
            followed,
            ticket: TicketContext {
                id: own.map(|own| own.id),
                subject: own.map_or("", |own| &own.subject),
                words: ticket,
                assignee: assignee.map(|person| person.full_name.as_str()),
            },
            parent: parent_of(message).and_then(|id| self.tickets.get(&id)).map(|parent| ParentContext {
                subject: &parent.subject,
                solution: parent.solution.as_deref(),
            }),
            data: &message.data,
            followup: followup.map(|(body, _)| body.as_str()),
            author: followup.map(|(_, author)| author.as_str()),
            link,
            survey_days: config.survey_days,
            closes_at: ticket.solved_at.map(|at| at + TimeDelta::days(config.close_after_days)),
        };
        let text = templates::text(message.kind, reader.locale, config, context)?;
        Ok(Content {
            to_name: reader.name.clone(),
            to_address: address.unwrap_or(&reader.address).clone(),
            html: templates::html(&text, &subject, reader.locale, link)?,
            subject,
            text,
            root: own.and_then(|own| self.roots.get(&own.id)).copied().unwrap_or(message.id),
            link: link.map(str::to_owned),
            shown_link: self.shown_link.clone(),
        })
    }
}

/// The name of a recipient; empty if it is not known.
fn known_name(name: &str) -> String {
    if is_named(name) { one_line(name) } else { String::new() }
}

/// Without line breaks and other control characters, so that it can be used in a header and in a sentence.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_a_subject_is_one_line() {
        assert_eq!(one_line("Sin red\r\nBcc: otra@mesa.test"), "Sin red Bcc: otra@mesa.test");
        assert_eq!(one_line("  a\u{0}\tb\u{2028}c\u{85} "), "a b c");
    }
}
