//! The links that open a survey without signing in. Each mail has its own link, created with the mail: the token
//! appears only in that mail, the database stores its hash, and it is never logged.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use uuid::Uuid;

use super::{Row, SurveyStatus};
use crate::auth::tokens;
use crate::config::Config;
use crate::db::schema::{survey_tokens, surveys, tickets, users};
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Result, Text};
use crate::tickets::survey::attended_ticket;
use crate::tickets::workflow::TicketStatus;

/// Those of these messages, given with their tickets, whose survey is not answered and whose requester did not attend
/// the ticket, with the survey.
pub fn pending(db: &mut PgConnection, messages: &[(Uuid, i64)]) -> Result<Vec<(Uuid, Uuid)>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let found: HashMap<i64, Uuid> = surveys::table
        .filter(surveys::ticket_id.eq_any(messages.iter().map(|(_, ticket)| ticket)))
        .filter(surveys::status.eq(SurveyStatus::Pending))
        .filter(not(attended_ticket(surveys::ticket_id, surveys::requester_id)))
        .select((surveys::ticket_id, surveys::id))
        .load(db)?
        .into_iter()
        .collect();
    let with_survey = messages.iter().filter_map(|(id, ticket)| Some((*id, *found.get(ticket)?)));
    Ok(with_survey.collect())
}

/// A new link for each of these messages whose survey is not answered.
pub fn make(
    db: &mut PgConnection,
    messages: &[(Uuid, i64)],
    config: &Config,
) -> Result<HashMap<Uuid, String>> {
    let (now, mut links, mut rows) = (crate::db::now(db)?, HashMap::new(), Vec::new());
    for (message, survey) in pending(db, messages)? {
        let token = tokens::random()?;
        rows.push((
            survey_tokens::token_hash.eq(tokens::hash(&token)),
            survey_tokens::survey_id.eq(survey),
            survey_tokens::created_at.eq(now),
            survey_tokens::expires_at.eq(now + Duration::days(config.survey_days)),
        ));
        links.insert(message, format!("{}/s/{token}", config.links_from()));
    }
    diesel::insert_into(survey_tokens::table).values(rows).execute(db)?;
    Ok(links)
}

/// The survey that a link opens.
pub struct Opened {
    pub row: Row,
    pub subject: String,
    /// The state of the ticket.
    pub ticket_status: TicketStatus,
    /// `None` while the ticket is open again.
    pub solution: Option<String>,
    /// Whether the requester attended the ticket, and so cannot answer.
    pub attended: bool,
    /// The requester's language.
    pub locale: Locale,
    pub expires_at: DateTime<Utc>,
}

/// The survey that this token opens.
///
/// # Errors
/// A 404 if the token is unknown, a 410 if it has expired.
pub fn open(db: &mut PgConnection, token: &str) -> Result<Opened> {
    type Found = (Row, String, TicketStatus, Option<String>, bool, Locale, DateTime<Utc>);
    let (row, subject, ticket_status, solution, attended, locale, expires_at): Found = survey_tokens::table
        .find(tokens::hash(token))
        .inner_join(surveys::table.inner_join(tickets::table))
        .inner_join(users::table.on(users::id.eq(surveys::requester_id)))
        .select((
            Row::as_select(),
            tickets::subject,
            tickets::status,
            tickets::solution,
            attended_ticket(surveys::ticket_id, surveys::requester_id),
            users::locale,
            survey_tokens::expires_at,
        ))
        .get_result(db)?;
    if expires_at <= crate::db::now(db)? {
        return Err(Problem::new(
            Code::SurveyExpired,
            Text::new("El enlace de la encuesta ya venció.", "The link of the survey has expired."),
        ));
    }
    Ok(Opened { row, subject, ticket_status, solution, attended, locale, expires_at })
}
