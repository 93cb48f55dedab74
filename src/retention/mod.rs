//! How long records are kept ("Control de registros" of the procedure), and their removal after that time.

mod mail;
mod records;
pub mod removal;
pub mod rules;
mod runs;
mod surveys;

use crate::http::routes::Routes;
use crate::language::text_enum;

pub fn routes(routes: &mut Routes) {
    routes.service(rules::list).service(rules::read).service(rules::change).service(runs::list);
}

text_enum! {
    /// The kind of records, and when their retention period begins.
    pub enum RetentionKind {
        /// Tickets, with their followups, files and history: kept indefinitely.
        Tickets = "tickets",
        /// From the answer, or from the expiry of the last link; only surveys of closed or archived tickets.
        /// Statistics still count removed surveys.
        Surveys = "surveys",
        /// From the signature.
        Minutes = "minutes",
        /// Measurements of indicators; from the approval.
        Measurements = "measurements",
        /// From the verification; with their followups and evidence.
        ImprovementActions = "improvement_actions",
        /// From their closing.
        Risks = "risks",
        /// Mail that was sent or failed; from then, and from the closing or archiving of its ticket.
        Messages = "messages",
        /// Received mail; from its processing, and from the closing or archiving of its ticket.
        InboundEmails = "inbound_emails",
    }
}
