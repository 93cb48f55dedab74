//! The steps of a ticket's life, one a file, and the mechanism that carries each out in one transaction.

pub mod accept;
pub mod archive;
pub mod assign;
pub mod classify;
mod close;
pub mod hold;
pub mod merge;
pub mod reopen;
pub mod request_information;
pub mod reschedule;
pub mod resubmit;
mod resume;
pub mod solve;

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::event_details::EventDetails;
use super::model::{Ticket, TicketRow};
use super::store;
use super::watchers;
use super::workflow::{self, Step};
use crate::audit;
use crate::audit::kind::EventKind;
use crate::auth::policy::Scope;
use crate::db::schema::tickets;
use crate::http::{Actor, Answer, Body, Call, MailOrigin};
use crate::outbox::{self, MessageKind};
use crate::problem::{Code, Problem, Result, Text};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(classify::classify)
        .service(assign::assign)
        .service(accept::accept)
        .service(reschedule::reschedule)
        .service(hold::hold)
        .service(request_information::request_information)
        .service(resume::resume)
        .service(solve::solve)
        .service(close::close)
        .service(reopen::reopen)
        .service(archive::archive)
        .service(resubmit::resubmit)
        .service(merge::merge);
}

/// A ticket in the hands of a step: locked, with what the step changes, tells and says to whom.
pub struct Case<'a> {
    pub tx: &'a mut PgConnection,
    /// Never before the ticket's last change, whatever the clocks say.
    pub now: DateTime<Utc>,
    /// The entity's.
    pub timezone: Tz,
    /// To be changed by the step.
    pub ticket: TicketRow,
    /// None where the desk acts by itself.
    pub actor_id: Option<Uuid>,
    /// What the event records beside the fields that the step changed.
    pub details: EventDetails,
    before: TicketRow,
    touched: bool,
    /// The inbound e-mail by which the actor acts.
    mail: Map<String, Value>,
    messages: Vec<(MessageKind, Uuid, Value)>,
    turned_into: Option<EventKind>,
}

/// What a step answers.
pub enum Reply {
    /// The ticket as it now stands.
    Ticket,
    /// The ticket as it now stands, within what the step made of more than one.
    Within(Box<dyn FnOnce(Ticket) -> Result<Answer>>),
    /// What the step made.
    Made(Answer),
}

impl<'a> Case<'a> {
    /// A case on which a person acts. The ticket's row must be locked.
    pub fn open(tx: &'a mut PgConnection, ticket: TicketRow, actor: &Actor) -> Self {
        let case = Self::automatic(tx, ticket, actor.timezone, actor.now);
        Case { actor_id: Some(actor.id), ..case }
    }

    /// A case on which Mesa acts without a person, by a deadline. The ticket's row must be locked.
    pub fn automatic(tx: &'a mut PgConnection, ticket: TicketRow, timezone: Tz, now: DateTime<Utc>) -> Self {
        Case {
            tx,
            now: now.max(ticket.updated_at),
            timezone,
            before: ticket.clone(),
            ticket,
            actor_id: None,
            touched: false,
            details: EventDetails::default(),
            mail: Map::new(),
            messages: Vec::new(),
            turned_into: None,
        }
    }

    /// Records the inbound e-mail by which the actor acts, if they do.
    pub fn note_mail(&mut self, actor: &Actor) {
        self.mail.extend(actor.mail.iter().flat_map(MailOrigin::details));
    }

    /// Queues a message to somebody.
    pub fn tell(&mut self, kind: MessageKind, recipient_id: Uuid, data: Value) {
        self.messages.push((kind, recipient_id, data));
    }

    /// Queues a message to the requester.
    pub fn tell_requester(&mut self, kind: MessageKind) {
        self.tell(kind, self.ticket.requester_id, json!({}));
    }

    /// Names the event for what became of the step, where that is not what it is usually called.
    pub fn turn_into(&mut self, kind: EventKind) {
        self.turned_into = Some(kind);
    }

    /// Marks the ticket as changed though its own fields are not: a public followup, a file.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    /// Writes it all: the ticket, its event, its messages; those to the requester that are public to its watchers too.
    pub fn record(mut self, kind: EventKind) -> Result<TicketRow> {
        let kind = self.turned_into.unwrap_or(kind);
        let changes = audit::changes(&self.before, &self.ticket)?;
        let bookkept = self.ticket != self.before;
        if self.touched || !changes.is_empty() {
            self.ticket.version += 1;
            self.ticket.updated_at = self.now;
        }
        if bookkept || self.ticket.version != self.before.version {
            diesel::update(tickets::table.find(self.ticket.id)).set(&self.ticket).execute(self.tx)?;
        }
        let mut details = self.details.into_map()?;
        details.extend(self.mail);
        let data = audit::Data { changes, details: Value::Object(details) };
        audit::record(self.tx, self.ticket.id, kind, self.actor_id, self.now, &data)?;
        // One that goes to many is written at once.
        for same in self.messages.chunk_by(|(kind, _, data), (next, _, more)| kind == next && data == more) {
            let Some((kind, _, data)) = same.first() else { continue };
            let recipients: Vec<Uuid> = same.iter().map(|(_, recipient_id, _)| *recipient_id).collect();
            if recipients.contains(&self.ticket.requester_id) {
                watchers::tell(self.tx, self.ticket.id, *kind, data, self.now)?;
            }
            outbox::queue(self.tx, self.ticket.id, *kind, &recipients, data, self.now)?;
        }
        Ok(self.ticket)
    }
}

/// Does something to each of these tickets on the desk's own behalf; answers to how many. Where one fails, that one is
/// left as it was and the log says why.
pub fn each(
    tx: &mut PgConnection,
    rows: Vec<TicketRow>,
    mut act: impl FnMut(&mut PgConnection, TicketRow) -> Result<()>,
) -> usize {
    let mut done = 0;
    for row in rows {
        let id = row.id;
        match tx.transaction(|savepoint| act(savepoint, row)) {
            Ok(()) => done += 1,
            Err(problem) => log::error!("ticket {id} is left as it was: {}", problem.log_line()),
        }
    }
    done
}

/// Takes a step on behalf of a caller. The checks come in this order: may this role at all, is the ticket theirs to
/// see, is the body sound, is it the version they know, does the state allow it, is it this person's.
pub async fn take<B, F>(
    call: Call,
    id: i64,
    (step, kind): (Step, EventKind),
    body: Body<B>,
    change: F,
) -> Result<HttpResponse>
where
    B: DeserializeOwned + ToSchema + 'static,
    F: FnOnce(&mut Case<'_>, &Actor, B) -> Result<Reply> + Send + 'static,
{
    call.write(body, move |tx, actor, body| {
        let row = store::lock(tx, actor, id)?;
        let body = body.read()?;
        actor.check_version(row.version)?;
        workflow::check(row.status, row.resumes_to, step)?;
        if actor.scope == Scope::Assignee && row.assignee_id != Some(actor.id) {
            return Err(Problem::new(
                Code::NotTheAssignee,
                Text::new(
                    "Solo puede hacerlo quien tiene el caso.",
                    "Only whoever has the case may do this.",
                ),
            ));
        }
        let mut case = Case::open(tx, row, actor);
        let reply = change(&mut case, actor, body)?;
        let row = case.record(kind)?;
        match reply {
            Reply::Ticket => store::answer(tx, row),
            Reply::Within(answer) => {
                let version = row.version;
                Ok(answer(store::one(tx, row)?)?.version(version))
            }
            Reply::Made(answer) => Ok(answer),
        }
    })
    .await
}
