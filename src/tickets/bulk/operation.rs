//! The operations that a request can carry out together.

use diesel::PgConnection;

use crate::auth::policy::Action;
use crate::http::body::AnyBody;
use crate::http::{Actor, Answer};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::steps::{self, Setting};
use crate::tickets::{change, escalations, followups, imports, register};

/// An operation on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketOperation {
    Create,
    Update,
    Followup,
    Classification,
    Assignment,
    Acceptance,
    Rescheduling,
    Escalation,
    Return,
    Hold,
    InformationRequest,
    Resumption,
    Solution,
    Closure,
    Reopening,
    Archive,
    Resubmission,
    Merge,
    Import,
}

const ALL: [(&str, TicketOperation); 19] = [
    ("create", TicketOperation::Create),
    ("update", TicketOperation::Update),
    ("followup", TicketOperation::Followup),
    ("classification", TicketOperation::Classification),
    ("assignment", TicketOperation::Assignment),
    ("acceptance", TicketOperation::Acceptance),
    ("rescheduling", TicketOperation::Rescheduling),
    ("escalation", TicketOperation::Escalation),
    ("return", TicketOperation::Return),
    ("hold", TicketOperation::Hold),
    ("information_request", TicketOperation::InformationRequest),
    ("resumption", TicketOperation::Resumption),
    ("solution", TicketOperation::Solution),
    ("closure", TicketOperation::Closure),
    ("reopening", TicketOperation::Reopening),
    ("archive", TicketOperation::Archive),
    ("resubmission", TicketOperation::Resubmission),
    ("merge", TicketOperation::Merge),
    ("import", TicketOperation::Import),
];

/// The actions of which a caller needs one to carry out anything.
pub const ACTIONS: [Action; 17] = [
    Action::RegisterTicket,
    Action::ChangeTicket,
    Action::AddPublicFollowup,
    Action::Classify,
    Action::Assign,
    Action::Accept,
    Action::Reschedule,
    Action::Escalate,
    Action::Return,
    Action::Hold,
    Action::Solve,
    Action::Close,
    Action::Reopen,
    Action::Archive,
    Action::Resubmit,
    Action::Relate,
    Action::ImportTickets,
];

impl TicketOperation {
    pub fn of_name(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, operation)| *operation)
    }

    pub fn as_str(self) -> &'static str {
        ALL.iter().find(|(_, operation)| *operation == self).map_or("", |(name, _)| name)
    }

    /// Method and path of the operation of its own.
    pub fn as_request(self) -> &'static str {
        match self {
            TicketOperation::Create => "POST /api/v1/tickets",
            TicketOperation::Update => "PATCH /api/v1/tickets/{ticket_id}",
            TicketOperation::Followup => "POST /api/v1/tickets/{ticket_id}/followups",
            TicketOperation::Classification => "POST /api/v1/tickets/{ticket_id}/classification",
            TicketOperation::Assignment => "POST /api/v1/tickets/{ticket_id}/assignment",
            TicketOperation::Acceptance => "POST /api/v1/tickets/{ticket_id}/acceptance",
            TicketOperation::Rescheduling => "POST /api/v1/tickets/{ticket_id}/rescheduling",
            TicketOperation::Escalation => "POST /api/v1/tickets/{ticket_id}/escalations",
            TicketOperation::Return => "POST /api/v1/tickets/{ticket_id}/return",
            TicketOperation::Hold => "POST /api/v1/tickets/{ticket_id}/hold",
            TicketOperation::InformationRequest => "POST /api/v1/tickets/{ticket_id}/information-request",
            TicketOperation::Resumption => "POST /api/v1/tickets/{ticket_id}/resumption",
            TicketOperation::Solution => "POST /api/v1/tickets/{ticket_id}/solution",
            TicketOperation::Closure => "POST /api/v1/tickets/{ticket_id}/closure",
            TicketOperation::Reopening => "POST /api/v1/tickets/{ticket_id}/reopening",
            TicketOperation::Archive => "POST /api/v1/tickets/{ticket_id}/archive",
            TicketOperation::Resubmission => "POST /api/v1/tickets/{ticket_id}/resubmission",
            TicketOperation::Merge => "POST /api/v1/tickets/{ticket_id}/merge",
            TicketOperation::Import => "POST /api/v1/tickets/imports",
        }
    }

    /// Carries out the operation, in a transaction.
    ///
    /// # Errors
    /// Those of the operation; a 422 without the number of the ticket.
    pub fn apply(
        self,
        tx: &mut PgConnection,
        actor: &Actor,
        setting: &Setting,
        ticket_id: Option<i64>,
        body: AnyBody,
    ) -> Result<Answer> {
        let id = || ticket_id.ok_or_else(|| Problem::field(FieldError::required("/ticket_id")));
        match self {
            TicketOperation::Create | TicketOperation::Import if ticket_id.is_some() => {
                let detail = Text::new("Un caso nuevo no tiene número.", "A new ticket has no number.");
                Err(Problem::field(FieldError::new("/ticket_id", FieldCode::NotAllowed, detail)))
            }
            TicketOperation::Create => register::apply(tx, actor, setting, body.typed()),
            TicketOperation::Import => imports::apply(tx, actor, setting, body.typed()),
            TicketOperation::Update => change::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Followup => followups::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Classification => {
                steps::classify::apply(tx, actor, setting, id()?, body.typed())
            }
            TicketOperation::Assignment => steps::assign::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Acceptance => steps::accept::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Rescheduling => {
                steps::reschedule::apply(tx, actor, setting, id()?, body.typed())
            }
            TicketOperation::Escalation => escalations::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Return => steps::return_ticket::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Hold => steps::hold::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::InformationRequest => {
                steps::request_information::apply(tx, actor, setting, id()?, body.typed())
            }
            TicketOperation::Resumption => steps::resume::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Solution => steps::solve::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Closure => steps::close::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Reopening => steps::reopen::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Archive => steps::archive::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Resubmission => steps::resubmit::apply(tx, actor, setting, id()?, body.typed()),
            TicketOperation::Merge => steps::merge::apply(tx, actor, setting, id()?, body.typed()),
        }
    }
}
