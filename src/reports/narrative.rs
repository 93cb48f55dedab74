//! What the author of a quarterly report writes before its approval.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::frozen::{self, key};
use super::report::APPROVED;
use super::{QuarterPath, begun};
use crate::auth::person::PersonKind;
use crate::auth::policy::{Action, Role};
use crate::db::schema::{quarterly_report_texts as texts, users};
use crate::http::body::Patch;
use crate::http::{Actor, Answer, Body, Call};
use crate::people::{Person, person};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::statistics::Quarter;

/// The texts of a quarterly report, by its author.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct QuarterlyReportNarrative {
    /// The analysis of the results (análisis); `null` until it is written.
    #[schema(max_length = 10_000, example = "La atención oportuna bajó por la falta de turno los sábados.")]
    pub analysis: Option<String>,
    /// The actions that the author takes or proposes (acciones); `null` until they are written.
    #[schema(max_length = 10_000, example = "Establecer un turno los sábados.")]
    pub proposals: Option<String>,
    /// The person who prepared the report (elaboró): whoever wrote its texts first, or was named instead; `null` until
    /// then.
    pub author: Option<Person>,
    /// The position of the author (cargo); `null` if none was stated: the files then have the one that the procedure
    /// names for the author's role.
    #[schema(max_length = 200, example = "Profesional Universitario de las TIC")]
    pub author_position: Option<String>,
    /// The position of the person who approves the report; `null` if none was stated, as for the author.
    #[schema(max_length = 200, example = "Director Administrativo de las TIC")]
    pub approver_position: Option<String>,
    /// The time of the last change; `null` if nothing was written.
    pub updated_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub version: i32,
}

/// The writable texts of a quarterly report.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarterlyReportNarrativeContent {
    /// The analysis of the results (análisis). `null` removes it.
    #[schema(
        min_length = 1,
        max_length = 10_000,
        pattern = r"\S",
        example = "La atención oportuna bajó por la falta de turno los sábados."
    )]
    analysis: Option<String>,
    /// The actions that the author takes or proposes (acciones). `null` removes them.
    #[schema(
        min_length = 1,
        max_length = 10_000,
        pattern = r"\S",
        example = "Establecer un turno los sábados."
    )]
    proposals: Option<String>,
    /// Identifier of the person who prepared the report: an active member of staff. The caller if nobody is named. A
    /// technician may only name themselves.
    author_id: Option<Uuid>,
    /// The position of the author (cargo). `null` removes it.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Profesional Universitario de las TIC"
    )]
    author_position: Option<String>,
    /// The position of the person who approves the report. `null` removes it.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Director Administrativo de las TIC"
    )]
    approver_position: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = texts)]
struct Row {
    analysis: Option<String>,
    proposals: Option<String>,
    author_id: Option<Uuid>,
    author_position: Option<String>,
    approver_position: Option<String>,
    version: i32,
    updated_at: DateTime<Utc>,
}

impl QuarterlyReportNarrative {
    /// The texts of a quarter, empty if nothing was written.
    pub fn find(db: &mut PgConnection, quarter: Quarter) -> Result<Self> {
        let row: Option<Row> =
            texts::table.find(key(quarter)).select(Row::as_select()).first(db).optional()?;
        let Some(row) = row else { return Ok(Self::default()) };
        let author = match row.author_id {
            Some(id) => person::by_id(db, [id])?.remove(&id),
            None => None,
        };
        Ok(QuarterlyReportNarrative {
            analysis: row.analysis,
            proposals: row.proposals,
            author,
            author_position: row.author_position,
            approver_position: row.approver_position,
            updated_at: Some(row.updated_at),
            version: row.version,
        })
    }

    fn answer(db: &mut PgConnection, quarter: Quarter) -> Result<Answer> {
        let text = Self::find(db, quarter)?;
        Ok(Answer::ok(&text)?.version(tag(quarter), text.version))
    }
}

/// Identifies the texts in their `ETag`: they are another resource than the report.
fn tag(quarter: Quarter) -> String {
    format!("{quarter}/narrative")
}

/// Read the texts of a quarterly report
///
/// Analysis, actions, author and positions, as they are written for the draft. They are part of the report and of its
/// files.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadStatistics))),
    tag = "reports", operation_id = "getQuarterlyReportNarrative",
    params(
        ("year" = i32, Path, minimum = 2000, maximum = 9998, description = "The year of the quarter."),
        ("quarter" = i32, Path, minimum = 1, maximum = 4, description = "The quarter, 1 to 4."),
    ),
    responses((status = 200, body = QuarterlyReportNarrative, description = "The texts of the report"))
)]
#[get("/reports/quarterly/{year}/{quarter}/narrative")]
pub async fn read(call: Call, path: Path<QuarterPath>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let quarter = path.read()?;
        begun(quarter, actor.timezone, actor.now)?;
        QuarterlyReportNarrative::answer(db, quarter)
    })
    .await
}

/// Change the texts of a quarterly report
///
/// Omitted fields keep their values; `null` removes a value. The first change names the caller as the author, unless it
/// names another person. The texts of an approved report cannot be changed (`wrong_state`).
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteReports))),
    tag = "reports", operation_id = "updateQuarterlyReportNarrative",
    params(
        ("year" = i32, Path, minimum = 2000, maximum = 9998, description = "The year of the quarter."),
        ("quarter" = i32, Path, minimum = 1, maximum = 4, description = "The quarter, 1 to 4."),
    ),
    request_body(content = QuarterlyReportNarrativeContent, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = QuarterlyReportNarrative, description = "The texts after the change"),
        (status = 409, description = "`wrong_state`: the report is approved"),
    )
)]
#[patch("/reports/quarterly/{year}/{quarter}/narrative")]
pub async fn change(
    call: Call,
    path: Path<QuarterPath>,
    body: Body<Patch<QuarterlyReportNarrativeContent>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let quarter = path.read()?;
        begun(quarter, actor.timezone, actor.now)?;
        // An approval waits for this change, or this change for the approval.
        tx.batch_execute("LOCK TABLE quarterly_report_texts IN SHARE ROW EXCLUSIVE MODE")?;
        let before = QuarterlyReportNarrative::find(tx, quarter)?;
        let author_id = before.author.as_ref().map(|author| author.id);
        let (mut content, changes) = body.merge(&QuarterlyReportNarrativeContent {
            analysis: before.analysis,
            proposals: before.proposals,
            author_id,
            author_position: before.author_position,
            approver_position: before.approver_position,
        })?;
        if content.author_id.is_some() && content.author_id != author_id {
            check_author(tx, actor, content.author_id)?;
        }
        actor.check_version(tag(quarter), before.version)?;
        if frozen::approval(tx, quarter)?.is_some() {
            return Err(Problem::wrong_state(APPROVED));
        }
        if changes {
            // A service account may send texts, but somebody answers for them.
            content.author_id = content.author_id.or((actor.kind == PersonKind::Person).then_some(actor.id));
            store(tx, quarter, content, actor)?;
        }
        QuarterlyReportNarrative::answer(tx, quarter)
    })
    .await
}

fn check_author(tx: &mut PgConnection, actor: &Actor, author_id: Option<Uuid>) -> Result<()> {
    if author_id != Some(actor.id) && actor.role == Role::Technician {
        return Err(Problem::field(FieldError::new(
            "/author_id",
            FieldCode::NotAllowed,
            Text::new(
                "Quien redacta solo puede indicarse a sí mismo como autor; a otra persona la indica un profesional o la dirección.",
                "A technician may only name themselves as the author; a professional or the director names another person.",
            ),
        )));
    }
    let staff = users::table.filter(users::id.nullable().eq(author_id)).filter(users::active);
    let staff = diesel::dsl::exists(staff.filter(users::role.ne(Role::Requester)));
    match diesel::select(staff).get_result(tx)? {
        true => Ok(()),
        false => Err(Problem::field(FieldError::unknown_id("/author_id"))),
    }
}

fn store(
    tx: &mut PgConnection,
    quarter: Quarter,
    content: QuarterlyReportNarrativeContent,
    actor: &Actor,
) -> Result<()> {
    let (year, number) = key(quarter);
    let written = (
        texts::analysis.eq(content.analysis),
        texts::proposals.eq(content.proposals),
        texts::author_id.eq(content.author_id),
        texts::author_position.eq(content.author_position),
        texts::approver_position.eq(content.approver_position),
        texts::updated_at.eq(actor.now),
    );
    diesel::insert_into(texts::table)
        .values((
            texts::year.eq(year),
            texts::quarter.eq(number),
            written.clone(),
            texts::created_at.eq(actor.now),
        ))
        .on_conflict((texts::year, texts::quarter))
        .do_update()
        .set((written, texts::version.eq(texts::version + 1)))
        .execute(tx)?;
    Ok(())
}
