//! Stored approved reports.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::report::Approval;
use super::{Audience, ReportFormat};
use crate::db::schema::{
    quarterly_report_files, quarterly_report_texts, quarterly_report_totals_files, quarterly_reports, users,
};
use crate::people::Person;
use crate::problem::{Code, Problem, Result, Text};
use crate::statistics::Quarter;

/// A file of a report.
pub struct File {
    pub format: ReportFormat,
    pub audience: Audience,
    pub content: Vec<u8>,
}

/// The bytes of an approved report; `None` if it is not approved, or was approved before versions for readers of
/// totals existed.
pub fn content(
    db: &mut PgConnection,
    quarter: Quarter,
    format: ReportFormat,
    audience: Audience,
) -> Result<Option<Vec<u8>>> {
    let (year, number) = key(quarter);
    let found = match audience {
        Audience::Answers => {
            let file = quarterly_report_files::table.find((year, number, format));
            file.select(quarterly_report_files::content).first(db)
        }
        Audience::Totals => {
            let file = quarterly_report_totals_files::table.find((year, number, format));
            file.select(quarterly_report_totals_files::content).first(db)
        }
    };
    Ok(found.optional()?)
}

/// The approval of the report of a quarter; `None` if it is not approved.
pub fn approval(db: &mut PgConnection, quarter: Quarter) -> Result<Option<Approval>> {
    let found = quarterly_reports::table.find(key(quarter)).inner_join(users::table);
    let found = found.select((quarterly_reports::approved_at, Person::as_select())).first(db).optional()?;
    Ok(found.map(|(approved_at, approved_by)| Approval { approved_at, approved_by }))
}

/// The SHA-256 of each file of an approved report.
pub fn hashes(db: &mut PgConnection, quarter: Quarter) -> Result<Vec<(ReportFormat, Vec<u8>)>> {
    let (year, number) = key(quarter);
    let files = quarterly_report_files::table
        .filter(quarterly_report_files::year.eq(year).and(quarterly_report_files::quarter.eq(number)))
        .order(quarterly_report_files::format)
        .select((quarterly_report_files::format, quarterly_report_files::sha256));
    Ok(files.load(db)?)
}

/// Stores a report permanently; returns false if a concurrent request stored one first.
///
/// # Errors
/// A 412 if its texts are no longer at the version that the files contain.
pub fn store(
    tx: &mut PgConnection,
    quarter: Quarter,
    approval: &Approval,
    text_version: i32,
    files: &[File],
) -> Result<bool> {
    let (year, number) = key(quarter);
    // Changes of the texts that have begun are waited for; later ones wait, and are then refused.
    tx.batch_execute("LOCK TABLE quarterly_report_texts IN SHARE ROW EXCLUSIVE MODE")?;
    let text = quarterly_report_texts::table.find((year, number));
    let version: Option<i32> = text.select(quarterly_report_texts::version).first(tx).optional()?;
    if version.unwrap_or_default() != text_version {
        return Err(Problem::new(
            Code::PreconditionFailed,
            Text::new(
                "Los textos cambiaron mientras se aprobaba: léalos y apruebe de nuevo.",
                "The texts changed during the approval: read them and approve again.",
            ),
        ));
    }
    let kept = diesel::insert_into(quarterly_reports::table)
        .values((
            quarterly_reports::year.eq(year),
            quarterly_reports::quarter.eq(number),
            quarterly_reports::approved_at.eq(approval.approved_at),
            quarterly_reports::approved_by.eq(approval.approved_by.id),
        ))
        .on_conflict_do_nothing()
        .execute(tx)?;
    if kept == 0 {
        return Ok(false);
    }
    let for_answers = files.iter().filter(|file| file.audience == Audience::Answers);
    let rows: Vec<_> = for_answers
        .map(|file| {
            (
                quarterly_report_files::year.eq(year),
                quarterly_report_files::quarter.eq(number),
                quarterly_report_files::format.eq(file.format),
                quarterly_report_files::content.eq(&file.content),
            )
        })
        .collect();
    diesel::insert_into(quarterly_report_files::table).values(rows).execute(tx)?;
    let for_totals = files.iter().filter(|file| file.audience == Audience::Totals);
    let rows: Vec<_> = for_totals
        .map(|file| {
            (
                quarterly_report_totals_files::year.eq(year),
                quarterly_report_totals_files::quarter.eq(number),
                quarterly_report_totals_files::format.eq(file.format),
                quarterly_report_totals_files::content.eq(&file.content),
            )
        })
        .collect();
    diesel::insert_into(quarterly_report_totals_files::table).values(rows).execute(tx)?;
    Ok(true)
}

/// The key of a quarter in the database.
pub fn key(quarter: Quarter) -> (i32, i16) {
    (quarter.year, i16::try_from(quarter.number).unwrap_or_default())
}
