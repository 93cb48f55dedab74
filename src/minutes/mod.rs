//! Activity 11: minutes of the Comité Primario (FO-DE-01 Acta): attendance, agenda, proceedings, decisions.

mod attachments;
pub mod content;
mod form;
mod list;
mod signature;
mod write;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::json::Json;
use crate::db::schema::{minutes, minutes_attendance, minutes_decisions};
use crate::http::Answer;
use crate::http::routes::Routes;
use crate::language::text_enum;
use crate::people::{Person, person};
use crate::problem::{Problem, Result};

pub fn routes(routes: &mut Routes) {
    routes
        .service(list::list)
        .service(write::create)
        .service(write::read)
        .service(write::change)
        .service(signature::sign)
        .service(attachments::attach)
        .service(attachments::list);
}

text_enum! {
    /// The state of minutes.
    pub enum MinutesStatus {
        /// Being written.
        Draft = "draft",
        /// Signed by the director: they no longer change.
        Signed = "signed",
    }
}

text_enum! {
    /// The attendance of a person.
    pub enum Attendance {
        Present = "present",
        /// Absent with an excuse.
        Excused = "excused",
        Absent = "absent",
        /// Present without belonging to the committee (invitado).
        Guest = "guest",
    }
}

/// The minutes of a meeting.
#[derive(Serialize, ToSchema)]
#[schema(as = MeetingMinutes)]
pub struct Minutes {
    /// Identifier of the minutes.
    id: Uuid,
    /// The year of `held_on`; each year has its own numbers.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: i16,
    /// Consecutive number within the year, from 1 on and without gaps (Acta No.).
    #[schema(minimum = 1, example = 7)]
    number: i32,
    /// The day of the meeting (fecha).
    #[schema(example = "2026-10-09")]
    held_on: NaiveDate,
    /// The start of the meeting by the entity's clock, as `HH:MM` (hora de inicio); `null` if not stated.
    #[schema(max_length = 8, example = "08:00")]
    #[serde(rename = "start_time")]
    starts_at: Option<String>,
    /// The end of the meeting by the entity's clock, as `HH:MM` (hora de finalización); `null` if not stated.
    #[schema(max_length = 8, example = "09:30")]
    #[serde(rename = "end_time")]
    ends_at: Option<String>,
    /// The place of the meeting (lugar); `null` if not stated.
    #[schema(max_length = 200, example = "Sala de juntas de las TIC")]
    place: Option<String>,
    /// The points of the agenda, in order (orden del día).
    #[schema(max_items = 50, max_length = 500, example = json!(["Informe del tercer trimestre", "Plan de Mejoramiento"]))]
    agenda: Vec<String>,
    /// The people who attended or were expected to attend, in order (asistencia).
    #[schema(max_items = 200)]
    #[serde(rename = "attendees")]
    attendance: Vec<Attendee>,
    /// The proceedings (desarrollo); `null` until they are written.
    #[schema(max_length = 50_000, example = "Se presentó el informe; la atención oportuna fue del 91 %.")]
    proceedings: Option<String>,
    /// The decisions of the meeting, in order (compromisos); empty if there are none.
    #[schema(max_items = 100)]
    decisions: Vec<Decision>,
    /// The quarterly report that was reviewed; `null` if none was.
    report: Option<MinutesReport>,
    /// The day of the next meeting (próxima reunión); `null` if not stated.
    #[schema(example = "2027-01-15")]
    next_meeting_on: Option<NaiveDate>,
    /// The state of the minutes. Signed minutes no longer change.
    status: MinutesStatus,
    /// When and by whom they were signed; `null` until the director signs them.
    signature: Option<MinutesSignature>,
    /// The person who created the minutes.
    created_by: Person,
    /// The time at which the minutes were created.
    created_at: DateTime<Utc>,
    /// The time of the last change or of the signature.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// A person who attended or was expected to attend.
#[derive(Serialize, ToSchema)]
pub struct Attendee {
    /// Identifier of the person's account; `null` if none was given.
    user_id: Option<Uuid>,
    /// The person's full name as it was when the minutes were written.
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    full_name: String,
    /// The person's post (cargo); `null` if not stated.
    #[schema(max_length = 200, example = "Profesional Universitaria")]
    job_title: Option<String>,
    /// Whether the person attended.
    attendance: Attendance,
}

/// A task with its person and its due date.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    /// What is to be done (compromiso).
    #[schema(max_length = 2000, example = "Formular la acción de mejora sobre los casos críticos.")]
    decision: String,
    /// The person responsible (responsable).
    owner: Person,
    /// The day by which it is to be done (fecha).
    #[schema(example = "2026-10-30")]
    due_on: NaiveDate,
}

/// The report of a quarter that was reviewed.
#[derive(Serialize, ToSchema)]
pub struct MinutesReport {
    /// The year of the reviewed quarter.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: i16,
    /// The reviewed quarter, 1 to 4.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    quarter: i16,
    /// The path of the report in this API.
    #[schema(max_length = 100, example = "/api/v1/reports/quarterly/2026/3")]
    link: String,
}

/// The person who signed minutes, and the time.
#[derive(Serialize, ToSchema)]
pub struct MinutesSignature {
    /// The director who signed them.
    signed_by: Person,
    /// The time of the signature.
    signed_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = minutes)]
struct Row {
    id: Uuid,
    year: i16,
    number: i32,
    held_on: NaiveDate,
    starts_at: Option<String>,
    ends_at: Option<String>,
    place: Option<String>,
    agenda: Json<Vec<String>>,
    proceedings: Option<String>,
    report_year: Option<i16>,
    report_quarter: Option<i16>,
    next_meeting_on: Option<NaiveDate>,
    status: MinutesStatus,
    signed_at: Option<DateTime<Utc>>,
    signed_by: Option<Uuid>,
    created_by: Uuid,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = minutes_attendance)]
struct AttendeeRow {
    minutes_id: Uuid,
    user_id: Option<Uuid>,
    full_name: String,
    job_title: Option<String>,
    attendance: Attendance,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = minutes_decisions)]
struct DecisionRow {
    minutes_id: Uuid,
    decision: String,
    owner_id: Uuid,
    due_on: NaiveDate,
}

/// The attendance and the decisions of these minutes, each in order.
fn parts(db: &mut PgConnection, ids: &[Uuid]) -> Result<(Vec<AttendeeRow>, Vec<DecisionRow>)> {
    let attendance = minutes_attendance::table
        .filter(minutes_attendance::minutes_id.eq_any(ids))
        .order((minutes_attendance::minutes_id, minutes_attendance::position))
        .select(AttendeeRow::as_select())
        .load(db)?;
    let decisions = minutes_decisions::table
        .filter(minutes_decisions::minutes_id.eq_any(ids))
        .order((minutes_decisions::minutes_id, minutes_decisions::position))
        .select(DecisionRow::as_select())
        .load(db)?;
    Ok((attendance, decisions))
}

impl Minutes {
    /// The minutes with all their parts, in four statements for a whole page.
    fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Self>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let (attendance, decisions) = parts(db, &ids)?;
        let owners = decisions.iter().map(|decision| decision.owner_id);
        let writers = rows.iter().flat_map(|row| [Some(row.created_by), row.signed_by]).flatten();
        let people = person::by_id(db, owners.chain(writers))?;
        let person = |id| people.get(&id).cloned().ok_or_else(|| Problem::internal("minutes of nobody"));
        let mut attended: HashMap<Uuid, Vec<Attendee>> = HashMap::new();
        for AttendeeRow { minutes_id, user_id, full_name, job_title, attendance } in attendance {
            let attendee = Attendee { user_id, full_name, job_title, attendance };
            attended.entry(minutes_id).or_default().push(attendee);
        }
        let mut decided: HashMap<Uuid, Vec<Decision>> = HashMap::new();
        for DecisionRow { minutes_id, decision, owner_id, due_on } in decisions {
            let decision = Decision { decision, owner: person(owner_id)?, due_on };
            decided.entry(minutes_id).or_default().push(decision);
        }
        let one = |row: Row| {
            let signature = match (row.signed_by, row.signed_at) {
                (Some(by), Some(signed_at)) => Some(MinutesSignature { signed_by: person(by)?, signed_at }),
                _ => None,
            };
            let report = row.report_year.zip(row.report_quarter).map(|(year, quarter)| MinutesReport {
                year,
                quarter,
                link: format!("/api/v1/reports/quarterly/{year}/{quarter}"),
            });
            Ok(Minutes {
                id: row.id,
                year: row.year,
                number: row.number,
                held_on: row.held_on,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                place: row.place,
                agenda: row.agenda.0,
                attendance: attended.remove(&row.id).unwrap_or_default(),
                proceedings: row.proceedings,
                decisions: decided.remove(&row.id).unwrap_or_default(),
                report,
                next_meeting_on: row.next_meeting_on,
                status: row.status,
                signature,
                created_by: person(row.created_by)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            })
        };
        rows.into_iter().map(one).collect()
    }

    fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let row: Row = minutes::table.find(id).select(Row::as_select()).get_result(db)?;
        Self::present(db, vec![row])?.pop().ok_or_else(Problem::not_found)
    }

    /// As a response, with its version.
    fn answer(db: &mut PgConnection, id: Uuid) -> Result<Answer> {
        let found = Self::find(db, id)?;
        Ok(Answer::ok(&found)?.version(found.id, found.version))
    }
}

/// The row of minutes, locked until the transaction ends.
fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Row> {
    Ok(minutes::table.find(id).select(Row::as_select()).for_update().get_result(tx)?)
}
