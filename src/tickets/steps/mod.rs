//! The steps of a ticket, one per file, and the mechanism that runs each in one transaction.

pub mod accept;
pub mod archive;
pub mod assign;
pub mod classify;
pub mod close;
pub mod hold;
pub mod merge;
pub mod reopen;
pub mod request_information;
pub mod reschedule;
pub mod resubmit;
pub mod resume;
pub mod return_ticket;
pub mod solve;

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event_details::Details;
use super::limit;
use super::model::{Ticket, TicketRow};
use super::permitted;
use super::store;
use super::watchers;
use super::workflow::Step;
use crate::audit;
use crate::audit::kind::EventKind;
use crate::auth::policy::PermissionScope;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::desk::Desk;
use crate::http::routes::Routes;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::outbox::{self, MessageKind};
use crate::problem::{Code, Problem, Result, Text};

pub fn routes(routes: &mut Routes) {
    routes
        .service(classify::classify)
        .service(assign::assign)
        .service(accept::accept)
        .service(reschedule::reschedule)
        .service(return_ticket::return_ticket)
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

/// A ticket during a step: the locked row, with the changes, details and messages of the step.
pub struct Case<'a> {
    pub tx: &'a mut PgConnection,
    /// Never before the ticket's last change, even if the system clock was set back.
    pub now: DateTime<Utc>,
    /// The entity's time zone.
    pub timezone: Tz,
    /// The step changes this row.
    pub ticket: TicketRow,
    /// `None` for an automatic change.
    pub actor_id: Option<Uuid>,
    /// What the event records beside the fields that the step changed.
    pub details: Details,
    before: TicketRow,
    touched: bool,
    messages: Vec<(MessageKind, Uuid, Value)>,
    turned_into: Option<EventKind>,
}

/// The response of a step.
pub enum Reply {
    /// The ticket in its current state.
    Ticket,
    /// The ticket in its current state, as part of a larger response.
    Within(Box<dyn FnOnce(Ticket) -> Result<Answer>>),
    /// The object that the step created.
    Made(Answer),
}

impl<'a> Case<'a> {
    /// A change by a person. The ticket's row must be locked.
    pub fn open(tx: &'a mut PgConnection, ticket: TicketRow, actor: &Actor) -> Self {
        let case = Self::automatic(tx, ticket, actor.timezone, actor.now);
        Case { actor_id: Some(actor.id), ..case }
    }

    /// An automatic change. The ticket's row must be locked.
    pub fn automatic(tx: &'a mut PgConnection, ticket: TicketRow, timezone: Tz, now: DateTime<Utc>) -> Self {
        Case {
            tx,
            now: now.max(ticket.updated_at),
            timezone,
            before: ticket.clone(),
            ticket,
            actor_id: None,
            touched: false,
            details: Details::default(),
            messages: Vec::new(),
            turned_into: None,
        }
    }

    /// Records the inbound e-mail through which the actor acts, if any.
    pub fn note_mail(&mut self, actor: &Actor) {
        if let Some(origin) = &actor.mail {
            self.details.set_mail(origin);
        }
    }

    /// Queues a message to a user.
    pub fn notify(&mut self, kind: MessageKind, recipient_id: Uuid, data: Value) {
        self.messages.push((kind, recipient_id, data));
    }

    /// Queues a message to the requester.
    pub fn notify_requester(&mut self, kind: MessageKind) {
        self.notify(kind, self.ticket.requester_id, json!({}));
    }

    /// Changes the kind of the event, if the step had a different result than usual.
    pub fn turn_into(&mut self, kind: EventKind) {
        self.turned_into = Some(kind);
    }

    /// Marks the ticket as changed although its own fields are not: for a public followup or a file.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    /// Writes the ticket, its event and its messages; public messages to the requester go to its watchers too.
    pub fn record(mut self, kind: EventKind) -> Result<TicketRow> {
        self.settle_call();
        let kind = self.turned_into.unwrap_or(kind);
        let mut changes = audit::changes(&self.before, &self.ticket)?;
        let bookkept = self.ticket != self.before;
        if self.touched || !changes.is_empty() {
            self.ticket.version += 1;
            self.ticket.updated_at = self.now;
        }
        if bookkept || self.ticket.version != self.before.version {
            // As stored: the database cleans names.
            self.ticket = diesel::update(tickets::table.find(self.ticket.id))
                .set(&self.ticket)
                .returning(TicketRow::as_returning())
                .get_result(self.tx)?;
            changes = audit::changes(&self.before, &self.ticket)?;
        }
        let data = audit::Data { changes, details: self.details.into_json()? };
        let mut messages = Vec::new();
        // A message to several recipients is written at once.
        for same in self.messages.chunk_by(|(kind, _, data), (next, _, more)| kind == next && data == more) {
            let Some((kind, _, data)) = same.first() else { continue };
            let recipients: Vec<Uuid> = same.iter().map(|(_, recipient_id, _)| *recipient_id).collect();
            if recipients.contains(&self.ticket.requester_id) {
                watchers::notify(self.tx, self.ticket.id, *kind, data, self.now)?;
            }
            messages.push(outbox::queueing(self.ticket.id, *kind, &recipients, data, self.now));
        }
        let event = audit::recording(self.ticket.id, kind, self.actor_id, self.now, &data);
        Statement::together(messages, event).execute(self.tx)?;
        Ok(self.ticket)
    }
}

/// Applies an automatic change to each of these tickets; returns how many succeeded. If one fails, its ticket is left
/// unchanged and the error is logged.
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
            Err(problem) => log::error!("ticket {id} was not changed: {}", problem.log_line()),
        }
    }
    done
}

/// What the operations on tickets need of the server and of the request.
pub struct Setting {
    pub desk: Data<Desk>,
    /// The language of the response.
    pub locale: Locale,
}

impl Setting {
    pub fn of(call: &Call) -> Self {
        Setting { desk: call.desk.clone(), locale: call.locale() }
    }
}

/// An operation on the ticket with this number, in a transaction.
pub type Apply<B> = fn(&mut PgConnection, &Actor, &Setting, i64, Body<B>) -> Result<Answer>;

/// Carries out an operation as a request of its own.
pub async fn change<B: 'static>(call: Call, id: i64, body: Body<B>, apply: Apply<B>) -> Result<HttpResponse> {
    let setting = Setting::of(&call);
    call.write(body, move |tx, actor, body| apply(tx, actor, &setting, id, body)).await
}

/// Takes a step. The checks in order, after that of the permission: the ticket is visible, the body is valid, the version
/// matches, the state allows it, the caller is the assignee if required.
///
/// # Errors
/// Of the first check that fails; those of `change`.
pub fn take<B, F>(
    tx: &mut PgConnection,
    actor: &Actor,
    id: i64,
    (step, kind): (Step, EventKind),
    body: Body<B>,
    change: F,
) -> Result<Answer>
where
    B: DeserializeOwned + ToSchema,
    F: FnOnce(&mut Case<'_>, &Actor, B) -> Result<Reply>,
{
    let row = store::lock(tx, actor, id)?;
    let body = body.read()?;
    actor.check_version(row.id, row.version)?;
    permitted::check(actor, &row, step)?;
    if actor.scope == PermissionScope::Assignee {
        if row.assignee_id != Some(actor.id) {
            return Err(Problem::new(
                Code::NotTheAssignee,
                Text::new(
                    "Solo puede hacerlo la persona que tiene asignado el caso.",
                    "Only the assignee may do this.",
                ),
            ));
        }
        // An assignee who has lost the role; soon the ticket returns to its level.
        let required = if row.third_party.is_some() { 1 } else { row.support_level };
        if actor.role.support_level().is_none_or(|own| own < required) {
            return Err(Problem::forbidden());
        }
    }
    let mut case = Case::open(tx, row, actor);
    let reply = change(&mut case, actor, body)?;
    let row = case.record(kind)?;
    limit::check(actor, &row)?;
    match reply {
        Reply::Ticket => store::answer(tx, actor, row),
        Reply::Within(answer) => {
            let version = row.version;
            Ok(answer(store::one(tx, actor, row)?)?.version(id, version))
        }
        Reply::Made(answer) => Ok(answer),
    }
}
