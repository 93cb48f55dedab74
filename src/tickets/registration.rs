//! Writing new tickets: one, or several in the same statements.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::archiving;
use super::attention::policies::Policy;
use super::attention::running::{self, Due};
use super::categories::RequiredProfile;
use super::event_details::Details;
use super::limit;
use super::minimum_data::{self, AnswerTime};
use super::model::{ArchiveReason, CallCause, Channel, Criticality, TicketRow};
use super::reception::{Choices, Terms};
use super::requester::{Account, RequesterData};
use super::steps::Case;
use super::workflow::TicketStatus;
use crate::audit;
use crate::audit::kind::EventKind;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::language::locale::Locale;
use crate::outbox::{self, MessageKind};
use crate::people::user::is_named;
use crate::problem::{Code, FieldError, Problem, Result, Text};

/// The data of a request to register.
pub struct Request {
    pub subject: String,
    pub description: String,
    pub category_id: Option<Uuid>,
    /// `api` if `None`.
    pub channel: Option<Channel>,
    /// The data that differ from the account.
    pub requester: RequesterData,
    /// The archived ticket that it resubmits.
    pub resubmission_of: Option<i64>,
    /// How long the requester may take to complete a request that came by mail.
    pub within: AnswerTime,
    /// The criticality whose attention time counts until the classification.
    pub provisional: Criticality,
    /// A program sent it by mail.
    pub automatic: bool,
    /// Whether a message confirms the reception to the requester. If minimum data are missing, they are asked for in
    /// any case.
    pub acknowledged: bool,
    /// Where mail to the requester about this ticket goes instead of the address of the account.
    pub reply_to: Option<String>,
}

/// What several registrations of one moment and one transaction have in common, read once.
#[derive(Default)]
pub struct Known {
    accounts: HashMap<Uuid, Option<Account>>,
    /// By unit, whether it may be inactive, and category.
    terms: HashMap<(Option<Uuid>, bool, Option<Uuid>), Terms>,
    /// The due times of a clock that starts now, by policy.
    due: HashMap<Uuid, Option<Due>>,
}

impl Known {
    /// The account of an active user; it stays active until the end of the transaction.
    pub fn active_account(&mut self, tx: &mut PgConnection, id: Uuid) -> Result<Option<Account>> {
        Ok(match self.accounts.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(Account::active(tx, id)?).clone(),
        })
    }

    /// The account may have changed.
    pub fn forget(&mut self, id: Uuid) {
        self.accounts.remove(&id);
    }

    fn terms(&mut self, tx: &mut PgConnection, choices: &Choices) -> Result<Terms> {
        let key = (choices.unit_id, choices.may_be_inactive, choices.category_id);
        Ok(match self.terms.entry(key) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(choices.terms(tx)?).clone(),
        })
    }

    fn due(&mut self, tx: &mut PgConnection, policy: &Policy, actor: &Actor) -> Result<Option<Due>> {
        Ok(match self.due.entry(policy.id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                *unknown.insert(running::provisional_due(tx, policy, actor.now, &[], actor.timezone)?)
            }
        })
    }
}

/// The row of a new ticket.
#[derive(Insertable)]
#[diesel(table_name = tickets, treat_none_as_default_value = false)]
struct NewTicket {
    subject: String,
    description: String,
    status: TicketStatus,
    resumes_to: Option<TicketStatus>,
    information_deadline: Option<DateTime<Utc>>,
    channel: Channel,
    category_id: Option<Uuid>,
    received_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    registered_by_id: Uuid,
    resubmission_of: Option<i64>,
    staff_called_at: Option<DateTime<Utc>>,
    staff_call_cause: Option<CallCause>,
    automatic: bool,
    reply_to: Option<String>,
    attention_due_at: Option<DateTime<Utc>>,
    attention_due_soon_at: Option<DateTime<Utc>>,
    first_attention_due_at: Option<DateTime<Utc>>,
    requester_id: Uuid,
    requester_full_name: String,
    requester_document_id: Option<String>,
    requester_email: String,
    requester_landline: Option<String>,
    requester_extension: Option<String>,
    requester_mobile: Option<String>,
    requester_unit_id: Option<Uuid>,
    requester_unit_name: Option<String>,
    reception_head_id: Option<Uuid>,
}

/// A registration that was checked and is not written yet.
pub struct Plan {
    row: NewTicket,
    details: Value,
    policy: Policy,
    due: Option<Due>,
    /// Whether the ticket has the minimum data.
    is_complete: bool,
    /// Whether the requester has the profile that the category requires.
    is_authorized: bool,
    acknowledged: bool,
    provisional: Criticality,
    within: AnswerTime,
}

impl Request {
    /// Registers the ticket and queues a message to the requester. If minimum data are missing (see `Account::gaps`), it
    /// waits for them; if the requester does not have the profile that the category requires, it is archived.
    ///
    /// # Errors
    /// A 422 if the unit or the category cannot be used; a 409 if the requester's contract has ended.
    pub fn register(self, tx: &mut PgConnection, actor: &Actor, account: Account) -> Result<TicketRow> {
        self.plan(tx, actor, account, &mut Known::default())?.carry_out(tx, actor)
    }

    /// What `register` would write.
    ///
    /// # Errors
    /// As `register`.
    pub fn plan(
        self,
        tx: &mut PgConnection,
        actor: &Actor,
        account: Account,
        known: &mut Known,
    ) -> Result<Plan> {
        if let Some(last_day) = account.ended_contract(actor) {
            return Err(contract_ended(last_day));
        }
        let given = self.requester;
        let contact = given.contact.unwrap_or(account.contact);
        let choices = Choices {
            received_at: actor.now,
            provisional: self.provisional,
            unit_id: given.unit_id.or(account.unit_id),
            may_be_inactive: given.unit_id.is_none(),
            category_id: self.category_id,
        };
        let Terms { policy, unit, profile } = known.terms(tx, &choices)?;
        if unit.is_none() && given.unit_id.is_some() {
            return Err(Problem::field(FieldError::unknown_id("/requester/unit_id")));
        }
        let profile = match (self.category_id, profile) {
            (None, _) => RequiredProfile::Any,
            (Some(_), Some(profile)) => profile,
            (Some(_), None) => return Err(Problem::field(FieldError::unknown_id("/category_id"))),
        };
        let (unit_id, unit_name, head_id) =
            unit.map_or((None, None, None), |unit| (Some(unit.id), Some(unit.name), unit.head_id));
        limit::check_new(actor, unit_id, self.category_id)?;
        let document_id = given.document_id.or(account.document_id);
        let full_name = given.full_name.unwrap_or(account.full_name);
        let is_complete = self.automatic
            || is_named(&full_name) && document_id.is_some() && !contact.is_empty() && unit_id.is_some();
        let is_authorized = profile == RequiredProfile::Any || head_id == Some(account.id);
        let due = match is_complete && is_authorized {
            true => known.due(tx, &policy, actor)?,
            false => None,
        };
        let channel = self.channel.unwrap_or(Channel::Api);
        let mut details =
            Details { channel: Some(channel), resubmission_of: self.resubmission_of, ..Details::default() };
        if let Some(origin) = &actor.mail {
            details.set_mail(origin);
        }
        let row = NewTicket {
            subject: self.subject,
            description: self.description,
            status: if is_complete { TicketStatus::Received } else { TicketStatus::OnHold },
            resumes_to: (!is_complete).then_some(TicketStatus::Received),
            information_deadline: (!is_complete).then_some(actor.now),
            channel,
            category_id: self.category_id,
            received_at: actor.now,
            updated_at: actor.now,
            registered_by_id: actor.id,
            resubmission_of: self.resubmission_of,
            staff_called_at: Some(actor.now),
            staff_call_cause: Some(CallCause::Received),
            automatic: self.automatic,
            reply_to: self.reply_to,
            attention_due_at: due.map(|due| due.due_at),
            attention_due_soon_at: due.map(|due| due.due_soon_at),
            first_attention_due_at: due.map(|due| due.first_due_at),
            requester_id: account.id,
            requester_full_name: full_name,
            requester_document_id: document_id,
            requester_email: account.email,
            requester_landline: contact.landline,
            requester_extension: contact.extension,
            requester_mobile: contact.mobile,
            requester_unit_id: unit_id,
            requester_unit_name: unit_name,
            reception_head_id: head_id,
        };
        Ok(Plan {
            row,
            details: details.into_json()?,
            policy,
            due,
            is_complete,
            is_authorized,
            acknowledged: self.acknowledged,
            provisional: self.provisional,
            within: self.within,
        })
    }
}

impl Plan {
    /// Whether nothing but the ticket, its event, its clock and its message are to be written.
    fn is_usual(&self) -> bool {
        self.is_complete && self.is_authorized
    }

    fn carry_out(self, tx: &mut PgConnection, actor: &Actor) -> Result<TicketRow> {
        let inserted = diesel::insert_into(tickets::table).values(&self.row);
        let mut row: TicketRow = inserted.returning(TicketRow::as_returning()).get_result(tx)?;
        let data = audit::Data { changes: vec![], details: self.details };
        let received = audit::recording(row.id, EventKind::Received, Some(actor.id), actor.now, &data);
        let clock = self.due.map(|due| running::first_clock(&row, &self.policy, due));
        let (recipients, nothing) = ([row.requester_id], json!({}));
        let acknowledged = self.acknowledged && (self.is_complete || !self.is_authorized);
        let message = acknowledged
            .then(|| outbox::queueing(row.id, MessageKind::Received, &recipients, &nothing, actor.now));
        Statement::together(clock.into_iter().chain(message), received).execute(tx)?;
        if !self.is_complete {
            // The database accepts the incomplete row only while it waits; the history starts from the state before.
            (row.status, row.resumes_to, row.information_deadline) = (TicketStatus::Received, None, None);
        }
        if !self.is_complete && self.is_authorized {
            let missing = minimum_data::missing(&row);
            running::begin(tx, &mut row, self.provisional, actor.timezone)?;
            let mut case = Case::automatic(tx, row, actor.timezone, actor.now);
            case.note_mail(actor);
            minimum_data::wait_for(&mut case, &missing, self.within)?;
            return case.record(EventKind::InformationRequested);
        }
        if self.is_authorized {
            return Ok(row);
        }
        let mut case = Case::open(tx, row, actor);
        case.note_mail(actor);
        archiving::set_aside(&mut case, ArchiveReason::ProfileNotAuthorized, None, None)?;
        case.record(EventKind::Archived)
    }
}

/// Writes these registrations, in their order.
///
/// # Errors
/// As `Request::register`, of the first that fails.
pub fn carry_out_all(tx: &mut PgConnection, actor: &Actor, plans: Vec<Plan>) -> Result<Vec<TicketRow>> {
    let mut rows = Vec::with_capacity(plans.len());
    let mut usual = Vec::new();
    for plan in plans {
        if plan.is_usual() {
            usual.push(plan);
        } else {
            rows.extend(together(tx, actor, std::mem::take(&mut usual))?);
            rows.push(plan.carry_out(tx, actor)?);
        }
    }
    rows.extend(together(tx, actor, usual)?);
    Ok(rows)
}

/// Writes these usual registrations with the same statements.
fn together(tx: &mut PgConnection, actor: &Actor, plans: Vec<Plan>) -> Result<Vec<TicketRow>> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let (mut rows, mut rest) = (Vec::with_capacity(plans.len()), Vec::with_capacity(plans.len()));
    for Plan { row, details, policy, due, acknowledged, .. } in plans {
        rows.push(row);
        rest.push((details, policy, due, acknowledged));
    }
    let inserted = diesel::insert_into(tickets::table).values(&rows);
    // In the order of the values.
    let rows: Vec<TicketRow> = inserted.returning(TicketRow::as_returning()).get_results(tx)?;
    let (mut events, mut clocks, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (row, (details, policy, due, acknowledged)) in rows.iter().zip(&rest) {
        events.push((row.id, audit::Data { changes: vec![], details: details.clone() }));
        clocks.extend(due.map(|due| (row, policy, due)));
        messages.extend(acknowledged.then_some((row.id, row.requester_id)));
    }
    running::insert_first_clocks(tx, &clocks)?;
    outbox::queue_each(tx, MessageKind::Received, &messages, &json!({}), actor.now)?;
    audit::record_each(tx, &events, EventKind::Received, Some(actor.id), actor.now)?;
    Ok(rows)
}

fn contract_ended(last_day: NaiveDate) -> Problem {
    let mut problem = Problem::new(
        Code::ContractEnded,
        Text::made(
            format!(
                "El contrato del solicitante terminó el {}: no puede registrar solicitudes. Si continúa vinculado, la \
                 Mesa de Servicios actualiza la fecha.",
                Locale::Es.day(last_day)
            ),
            format!(
                "The requester's contract ended on {}: they cannot register requests. If the contract was renewed, the \
                 service desk updates the date.",
                Locale::En.day(last_day)
            ),
        ),
    );
    problem.members.insert("contract_ends_on".to_owned(), json!(last_day));
    problem
}
