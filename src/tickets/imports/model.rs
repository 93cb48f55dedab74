//! The body of an import. What its fields must satisfy together is pure.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::people::user::Contact;
use crate::problem::{FieldCode, FieldError, Text};
use crate::tickets::model::{ArchiveReason, Channel, Criticality};

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// A ticket of another system that has ended: with `solution` it is `closed`, with `archive` it is `archived`. Exactly one of the
/// two is required, and exactly one of `requester_id` and `requester`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketImportCreate {
    /// The other system, always by the same name.
    #[schema(min_length = 1, max_length = 50, pattern = "^[a-z0-9][a-z0-9._-]{0,49}$", example = "glpi")]
    pub external_source: String,
    /// The identifier of the ticket in that system. It is kept when the requester is anonymized: not the number of a person.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[!-~]([ -~]{0,98}[!-~])?$",
        example = "2024-000123"
    )]
    pub external_id: String,
    /// A short summary of the request.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "La impresora no imprime")]
    pub subject: String,
    /// The full text of the request.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Muestra atasco y no hay papel dentro."
    )]
    pub description: String,
    /// Identifier of the category, which may be inactive. None if omitted.
    pub category_id: Option<Uuid>,
    /// The criticality. None if omitted.
    pub criticality: Option<Criticality>,
    /// The channel by which the request was made; `api` if omitted.
    pub channel: Option<Channel>,
    /// The support level at which it ended; 1 if omitted.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    pub support_level: Option<i16>,
    /// Identifier of the account of the requester, which may be inactive.
    pub requester_id: Option<Uuid>,
    /// The requester, by document or address.
    pub requester: Option<ImportedRequester>,
    /// Identifier of the account of the person who attended to it, which may be inactive.
    pub assignee_id: Option<Uuid>,
    /// When the request was made, in 1970 or later.
    pub received_at: DateTime<Utc>,
    /// When it was first attended to.
    pub attended_at: Option<DateTime<Utc>>,
    /// The solution of a ticket that was solved.
    pub solution: Option<ImportedSolution>,
    /// When it was closed after its solution; `solution.solved_at` if omitted. Not with `archive`.
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it ended without a solution.
    pub archive: Option<ImportedArchive>,
}

/// The requester of an imported ticket: the account with this document or this address. If there is none, an account without
/// a password is created, for which `full_name` is required. The other fields are the data of the ticket; those of the account
/// are taken if they are omitted. What the account lacks is added to it, and nothing in it is replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedRequester {
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    pub full_name: Option<String>,
    /// The number of the identity document. Required without `email`.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    pub document_id: Option<String>,
    /// The e-mail address. Required without `document_id`.
    #[schema(format = "email", min_length = 3, max_length = 254, example = "ana.restrepo@example.gov.co")]
    pub email: Option<String>,
    /// The telephone numbers.
    pub contact: Option<Contact>,
    /// Identifier of the unit, which may be inactive.
    pub unit_id: Option<Uuid>,
}

/// The solution of an imported ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedSolution {
    /// What was done, as a text for the requester.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Se cambió el rodillo de la impresora."
    )]
    pub description: String,
    /// When it was solved.
    pub solved_at: DateTime<Utc>,
    /// Identifier of the account of the person who solved it, which may be inactive. Unknown if omitted.
    pub solved_by_id: Option<Uuid>,
}

/// Why an imported ticket ended without a solution.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedArchive {
    /// The reason.
    pub reason: ArchiveReason,
    /// An explanation for the requester.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "El solicitante ya no lo necesita."
    )]
    pub note: Option<String>,
    /// When it was archived.
    pub archived_at: DateTime<Utc>,
}

impl TicketImportCreate {
    /// The same, with the precision of the database.
    pub fn rounded(mut self) -> Self {
        // PostgreSQL has no leap second: it is the first second of the next minute.
        let round = |at: &mut DateTime<Utc>| {
            let over = at.timestamp_subsec_nanos().checked_sub(NANOS_PER_SECOND);
            let same = over.and_then(|over| DateTime::from_timestamp(at.timestamp() + 1, over));
            *at = same.unwrap_or(*at).trunc_subsecs(6);
        };
        round(&mut self.received_at);
        self.attended_at.iter_mut().for_each(round);
        self.closed_at.iter_mut().for_each(round);
        self.solution.iter_mut().for_each(|solution| round(&mut solution.solved_at));
        self.archive.iter_mut().for_each(|archive| round(&mut archive.archived_at));
        self
    }

    /// When it was closed; `None` if it was archived.
    pub fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.solution.as_ref().map(|solution| self.closed_at.unwrap_or(solution.solved_at))
    }

    /// What is wrong with the fields together, at this moment.
    pub fn faults(&self, now: DateTime<Utc>) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let one_of = |faults: &mut Vec<FieldError>, first: (bool, &str), second: (bool, &str)| match (
            first.0, second.0,
        ) {
            (false, false) => faults.push(FieldError::required(format!("/{}", first.1))),
            (true, true) => faults.push(not_with(second.1, first.1)),
            _ => {}
        };
        one_of(&mut faults, (self.solution.is_some(), "solution"), (self.archive.is_some(), "archive"));
        let has_id = self.requester_id.is_some();
        one_of(&mut faults, (has_id, "requester_id"), (self.requester.is_some(), "requester"));
        if let Some(requester) = &self.requester
            && requester.document_id.is_none()
            && requester.email.is_none()
        {
            faults.push(FieldError::required("/requester/document_id"));
        }
        if self.archive.is_some() && self.closed_at.is_some() {
            faults.push(not_with("closed_at", "archive"));
        }
        let solved_at = self.solution.as_ref().map(|solution| solution.solved_at);
        let archived_at = self.archive.as_ref().map(|archive| archive.archived_at);
        let moments = [
            ("/received_at", Some(self.received_at)),
            ("/attended_at", self.attended_at),
            ("/solution/solved_at", solved_at),
            ("/closed_at", self.closed_at),
            ("/archive/archived_at", archived_at),
        ];
        let mut latest = ("/", DateTime::UNIX_EPOCH);
        for (pointer, at) in moments.into_iter().filter_map(|(pointer, at)| Some((pointer, at?))) {
            let detail = match (at < latest.1, at > now) {
                (true, _) if latest.0 == "/" => Text::new("Es anterior a 1970.", "It is before 1970."),
                (true, _) => Text::made(
                    format!("Es anterior a `{}`.", &latest.0[1..]),
                    format!("It is before `{}`.", &latest.0[1..]),
                ),
                (false, true) => Text::new("Está en el futuro.", "It is in the future."),
                (false, false) => {
                    latest = (pointer, at);
                    continue;
                }
            };
            faults.push(FieldError::new(pointer, FieldCode::OutOfRange, detail));
            // What follows would be compared with it.
            break;
        }
        faults
    }
}

fn not_with(name: &str, other: &str) -> FieldError {
    let detail = Text::made(format!("No se usa junto con `{other}`."), format!("Not used with `{other}`."));
    FieldError::new(format!("/{name}"), FieldCode::NotAllowed, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(change: Value) -> Vec<(String, FieldCode)> {
        let mut body = json!({
            "external_source": "glpi", "external_id": "1", "subject": "a", "description": "a",
            "requester_id": Uuid::nil(), "received_at": "2024-01-01T00:00:00Z",
            "solution": {"description": "a", "solved_at": "2024-01-02T00:00:00Z"}
        });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let import: TicketImportCreate = serde_json::from_value(body).unwrap();
        let faults = import.rounded().faults("2024-02-01T00:00:00Z".parse().unwrap());
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        use FieldCode::{NotAllowed, OutOfRange, Required};
        let archive = json!({"reason": "withdrawn", "archived_at": "2024-01-03T00:00:00Z"});
        for (change, expected) in [
            (json!({}), vec![]),
            (json!({"attended_at": "2024-01-01T10:00:00Z", "closed_at": "2024-01-09T00:00:00Z"}), vec![]),
            (json!({"solution": null, "archive": archive}), vec![]),
            (json!({"solution": null}), vec![("/solution", Required)]),
            (json!({"archive": archive}), vec![("/archive", NotAllowed)]),
            (json!({"requester_id": null}), vec![("/requester_id", Required)]),
            (json!({"requester": {"email": "a@b.co"}}), vec![("/requester", NotAllowed)]),
            (
                json!({"requester_id": null, "requester": {"full_name": "Ana"}}),
                vec![("/requester/document_id", Required)],
            ),
            (
                json!({"solution": null, "archive": archive, "closed_at": "2024-01-02T00:00:00Z"}),
                vec![("/closed_at", NotAllowed)],
            ),
            (json!({"attended_at": "2023-12-31T23:59:59Z"}), vec![("/attended_at", OutOfRange)]),
            (json!({"received_at": "2024-01-02T00:00:01Z"}), vec![("/solution/solved_at", OutOfRange)]),
            (json!({"closed_at": "2024-01-01T23:00:00Z"}), vec![("/closed_at", OutOfRange)]),
            (json!({"closed_at": "2024-02-01T00:00:01Z"}), vec![("/closed_at", OutOfRange)]),
            (json!({"received_at": "1969-12-31T23:59:59Z"}), vec![("/received_at", OutOfRange)]),
            (json!({"received_at": "2024-02-02T00:00:00Z"}), vec![("/received_at", OutOfRange)]),
            (
                json!({"received_at": "2024-01-01T23:59:60.5Z", "attended_at": "2024-01-02T00:00:00.1Z"}),
                vec![("/attended_at", OutOfRange)],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(at, code)| (at.to_owned(), code)).collect();
            assert_eq!(faults(change.clone()), expected, "{change}");
        }
    }
}
