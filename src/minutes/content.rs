//! The writable fields of minutes.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Attendance, Row, parts};
use crate::audit::log::Part;
use crate::auth::person::PersonKind;
use crate::auth::policy::Role;
use crate::db::json::Json;
use crate::db::schema::{minutes, minutes_attendance, minutes_decisions, users};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The schema of one point of the agenda.
pub struct AgendaPoint;

impl PartialSchema for AgendaPoint {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.min_length(Some(1)).max_length(Some(500)).pattern(Some(r"\S")).into()
    }
}

impl ToSchema for AgendaPoint {}

/// The writable fields of minutes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetingMinutesCreate {
    /// The day of the meeting (fecha), in a year from 2000 to 9998. Its year is that of the number and cannot be
    /// changed afterwards.
    #[schema(example = "2026-10-09")]
    pub held_on: NaiveDate,
    /// The start of the meeting by the entity's clock, as `HH:MM` (hora de inicio). Optional.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length = 5, example = "08:00")]
    #[serde(rename = "start_time")]
    starts_at: Option<String>,
    /// The end of the meeting by the entity's clock, as `HH:MM`, after `start_time` (hora de finalización). Optional.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length = 5, example = "09:30")]
    #[serde(rename = "end_time")]
    ends_at: Option<String>,
    /// The place of the meeting (lugar). Optional.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Sala de juntas de las TIC")]
    place: Option<String>,
    /// The points of the agenda, in order (orden del día): 1 to 50 texts of at most 500 characters.
    #[schema(
        min_items = 1,
        max_items = 50,
        value_type = Vec<AgendaPoint>,
        example = json!(["Informe del tercer trimestre", "Plan de Mejoramiento"])
    )]
    agenda: Vec<String>,
    /// The people who attended or were expected to attend, in order (asistencia). At creation empty if omitted; a PATCH
    /// replaces the whole list.
    #[serde(default)]
    #[schema(required = false, max_items = 200)]
    #[serde(rename = "attendees")]
    attendance: Vec<AttendeeInput>,
    /// The proceedings (desarrollo). Optional, but required for the signature.
    #[schema(
        min_length = 1,
        max_length = 50000,
        pattern = r"\S",
        example = "Se presentó el informe; la atención oportuna fue del 91 %."
    )]
    proceedings: Option<String>,
    /// The decisions of the meeting, in order (compromisos). At creation empty if omitted; a PATCH replaces the whole
    /// list.
    #[serde(default)]
    #[schema(required = false, max_items = 100)]
    decisions: Vec<DecisionInput>,
    /// The quarterly report that was reviewed. Optional.
    report: Option<MinutesReportInput>,
    /// The day of the next meeting (próxima reunión). Optional.
    #[schema(example = "2027-01-15")]
    next_meeting_on: Option<NaiveDate>,
}

/// A person who attended or was expected to attend: by account, or by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendeeInput {
    /// Identifier of the person's account. Omitted if the person has none; `full_name` is then required.
    user_id: Option<Uuid>,
    /// The person's full name. If omitted, it is copied from the account `user_id`.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Ana María Restrepo")]
    full_name: Option<String>,
    /// The person's post (cargo). Optional.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Profesional Universitaria")]
    job_title: Option<String>,
    /// Whether the person attended; `present` if omitted.
    #[serde(default = "present")]
    #[schema(required = false)]
    attendance: Attendance,
}

fn present() -> Attendance {
    Attendance::Present
}

/// A task with its person and its due date.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionInput {
    /// What is to be done (compromiso).
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Formular la acción de mejora sobre los casos críticos."
    )]
    decision: String,
    /// Identifier of the person responsible: a member of staff (responsable).
    owner_id: Uuid,
    /// The day by which it is to be done (fecha).
    #[schema(example = "2026-10-30")]
    due_on: NaiveDate,
}

/// The report of a quarter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MinutesReportInput {
    /// The year of the reviewed quarter.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: i16,
    /// The reviewed quarter, 1 to 4.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    quarter: i16,
}

/// The columns of the content.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = minutes, treat_none_as_null = true)]
pub struct Columns<'a> {
    held_on: NaiveDate,
    starts_at: Option<&'a str>,
    ends_at: Option<&'a str>,
    place: Option<&'a str>,
    agenda: Json<&'a [String]>,
    proceedings: Option<&'a str>,
    report_year: Option<i16>,
    report_quarter: Option<i16>,
    next_meeting_on: Option<NaiveDate>,
}

impl MeetingMinutesCreate {
    pub fn columns(&self) -> Columns<'_> {
        Columns {
            held_on: self.held_on,
            starts_at: self.starts_at.as_deref(),
            ends_at: self.ends_at.as_deref(),
            place: self.place.as_deref(),
            agenda: Json(&self.agenda),
            proceedings: self.proceedings.as_deref(),
            report_year: self.report.as_ref().map(|report| report.year),
            report_quarter: self.report.as_ref().map(|report| report.quarter),
            next_meeting_on: self.next_meeting_on,
        }
    }

    /// The current content of these minutes.
    pub(super) fn load(tx: &mut PgConnection, row: &Row) -> Result<Self> {
        let (attendance, decisions) = parts(tx, &[row.id])?;
        Ok(MeetingMinutesCreate {
            held_on: row.held_on,
            starts_at: row.starts_at.clone(),
            ends_at: row.ends_at.clone(),
            place: row.place.clone(),
            agenda: row.agenda.0.clone(),
            attendance: attendance
                .into_iter()
                .map(|row| AttendeeInput {
                    user_id: row.user_id,
                    full_name: Some(row.full_name),
                    job_title: row.job_title,
                    attendance: row.attendance,
                })
                .collect(),
            proceedings: row.proceedings.clone(),
            decisions: decisions
                .into_iter()
                .map(|row| DecisionInput {
                    decision: row.decision,
                    owner_id: row.owner_id,
                    due_on: row.due_on,
                })
                .collect(),
            report: row
                .report_year
                .zip(row.report_quarter)
                .map(|(year, quarter)| MinutesReportInput { year, quarter }),
            next_meeting_on: row.next_meeting_on,
        })
    }

    /// Fills in the names of people given only by their account.
    ///
    /// # Errors
    /// A 422 that names unknown people, people responsible for a decision who are not staff, and invalid times.
    pub fn check(&mut self, tx: &mut PgConnection) -> Result<()> {
        let mut faults = Vec::new();
        // Both are written in the same format, so that their texts compare as the times do.
        if self.starts_at.as_ref().zip(self.ends_at.as_ref()).is_some_and(|(from, to)| to <= from) {
            faults.push(FieldError::new(
                "/end_time",
                FieldCode::OutOfRange,
                Text::new("Debe ser posterior a `start_time`.", "It must be after `start_time`."),
            ));
        }
        if !(2000..=9998).contains(&chrono::Datelike::year(&self.held_on)) {
            faults.push(FieldError::new(
                "/held_on",
                FieldCode::OutOfRange,
                Text::new("El año va de 2000 a 9998.", "The year is from 2000 to 9998."),
            ));
        }
        let named = self.attendance.iter().filter_map(|attendee| attendee.user_id);
        let ids: HashSet<Uuid> = named.chain(self.decisions.iter().map(|one| one.owner_id)).collect();
        let known: Vec<(Uuid, String, Role)> = users::table
            .filter(users::id.eq_any(ids))
            .filter(users::account_kind.eq(PersonKind::Person))
            .select((users::id, users::full_name, users::role))
            .load(tx)?;
        let known: HashMap<Uuid, (String, Role)> =
            known.into_iter().map(|(id, name, role)| (id, (name, role))).collect();
        for (index, attendee) in self.attendance.iter_mut().enumerate() {
            let name = attendee.user_id.map(|id| known.get(&id).map(|(name, _)| name.clone()));
            match name {
                Some(None) => faults.push(FieldError::unknown_id(format!("/attendees/{index}/user_id"))),
                Some(Some(name)) => {
                    attendee.full_name.get_or_insert(name);
                }
                None if attendee.full_name.is_none() => {
                    faults.push(FieldError::required(format!("/attendees/{index}/full_name")));
                }
                None => {}
            }
        }
        for (index, decision) in self.decisions.iter().enumerate() {
            if known.get(&decision.owner_id).is_none_or(|(_, role)| *role == Role::Requester) {
                faults.push(FieldError::unknown_id(format!("/decisions/{index}/owner_id")));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
    }

    /// The fields that must be added before they can be signed.
    pub fn missing(&self) -> Vec<FieldError> {
        let mut missing = Vec::new();
        if self.proceedings.is_none() {
            missing.push(FieldError::required("/proceedings"));
        }
        if !self.attendance.iter().any(|attendee| attendee.attendance == Attendance::Present) {
            missing.push(FieldError::required("/attendees"));
        }
        missing
    }

    /// The lists in separate tables, for the audit log.
    pub fn parts(&self, before: Option<&Self>) -> [Part; 2] {
        [
            Part {
                field: "attendees",
                from: json!(before.map(|content| &content.attendance)),
                to: json!(self.attendance),
            },
            Part {
                field: "decisions",
                from: json!(before.map(|content| &content.decisions)),
                to: json!(self.decisions),
            },
        ]
    }

    /// Replaces attendance and decisions.
    pub fn write_parts(&self, tx: &mut PgConnection, id: Uuid) -> Result<()> {
        diesel::delete(minutes_attendance::table.filter(minutes_attendance::minutes_id.eq(id)))
            .execute(tx)?;
        diesel::delete(minutes_decisions::table.filter(minutes_decisions::minutes_id.eq(id))).execute(tx)?;
        let attendance: Vec<_> = (0i16..)
            .zip(&self.attendance)
            .map(|(position, attendee)| {
                (
                    minutes_attendance::minutes_id.eq(id),
                    minutes_attendance::position.eq(position),
                    minutes_attendance::user_id.eq(attendee.user_id),
                    minutes_attendance::full_name.eq(attendee.full_name.as_deref().unwrap_or_default()),
                    minutes_attendance::job_title.eq(attendee.job_title.as_deref()),
                    minutes_attendance::attendance.eq(attendee.attendance),
                )
            })
            .collect();
        diesel::insert_into(minutes_attendance::table).values(attendance).execute(tx)?;
        let decisions: Vec<_> = (0i16..)
            .zip(&self.decisions)
            .map(|(position, decision)| {
                (
                    minutes_decisions::minutes_id.eq(id),
                    minutes_decisions::position.eq(position),
                    minutes_decisions::decision.eq(decision.decision.as_str()),
                    minutes_decisions::owner_id.eq(decision.owner_id),
                    minutes_decisions::due_on.eq(decision.due_on),
                )
            })
            .collect();
        diesel::insert_into(minutes_decisions::table).values(decisions).execute(tx)?;
        Ok(())
    }
}
