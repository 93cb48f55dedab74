//! How long records are kept ("Control de registros" of the procedure), and what goes when their time is over.

mod mail;
mod records;
pub mod removal;
pub mod rules;
mod runs;
mod surveys;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::language::text_enum;

pub fn routes(config: &mut ServiceConfig) {
    config.service(rules::list).service(rules::read).service(rules::change).service(runs::list);
}

text_enum! {
    /// What is kept, and from when its time counts.
    pub enum RetentionKind {
        /// The desk's own record, with its followups, files and history: kept without end.
        Tickets = "tickets",
        /// Since the answer, or since its last link expired; of tickets that are closed or archived. The figures go on
        /// counting them.
        Surveys = "surveys",
        /// Since the signature.
        Minutes = "minutes",
        /// What indicators measured; since the approval.
        Measurements = "measurements",
        /// Since the verification; with their followups and evidence.
        ImprovementActions = "improvement_actions",
        /// Since they were closed.
        Risks = "risks",
        /// Mail that was sent or failed; since then, and since its ticket was closed or archived.
        Messages = "messages",
        /// Mail that came in; since it was processed, and since its ticket was closed or archived.
        InboundEmails = "inbound_emails",
    }
}
