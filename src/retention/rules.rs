//! The retention rules, stored as data.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RetentionKind;
use crate::auth::policy::Action;
use crate::db::schema::retention_rules;
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::paging::Page;
use crate::http::{Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// How long records of a kind are kept after they have ended.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = retention_rules)]
pub struct RetentionRule {
    /// The kind of records that the rule applies to, and from when their period counts.
    kind: RetentionKind,
    /// The procedure's code of the form; `null` if it has none.
    #[schema(max_length = 20, example = "FO-DE-01")]
    form: Option<String>,
    /// The procedure's name for the record.
    #[schema(max_length = 200, example = "Acta")]
    record: String,
    /// How long records are kept, in calendar months; `null` means indefinitely.
    #[schema(minimum = 1, maximum = 1200, example = 24)]
    #[serde(rename = "retention_months")]
    months: Option<i32>,
    /// The smallest allowed value of `retention_months`, set by the procedure; `null` for records that are never
    /// removed.
    #[schema(minimum = 1, maximum = 1200, example = 24)]
    minimum_months: Option<i32>,
    /// Who is responsible for the records; `null` if the procedure does not say so.
    #[schema(max_length = 500, example = "Profesional Universitario de las TIC; Enlace MIPG de las TIC")]
    responsible: Option<String>,
    /// Where the records are stored; `null` if the procedure does not say so.
    #[schema(max_length = 500, example = "Oficina del responsable / Dirección Administrativa de las TIC")]
    storage_place: Option<String>,
    /// How the records are retrieved; `null` if the procedure does not say so.
    #[schema(max_length = 500, example = "PC del responsable / Carpeta compartida de Calidad")]
    retrieval: Option<String>,
    /// How the records are protected; `null` if the procedure does not say so.
    #[schema(max_length = 500, example = "Backups; claves de acceso")]
    protection: Option<String>,
    /// The final disposition of the records after the retention period; `null` if the procedure does not say so.
    #[schema(max_length = 500, example = "Eliminar")]
    disposition: Option<String>,
    /// The last day, in the entity's time zone, on which all records that had expired by then were removed; `null` if
    /// that has not happened since the rule was created or its period last changed.
    applied_on: Option<NaiveDate>,
    /// The time of the last change of the rule.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The fields of a rule that can be changed.
#[derive(Serialize, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = retention_rules, treat_none_as_null = true)]
#[serde(deny_unknown_fields)]
pub struct RetentionRuleProfile {
    /// How long records are kept, in calendar months, at least `minimum_months` of the rule; `null` means indefinitely.
    /// For a rule whose `minimum_months` is `null`, only `null` is allowed.
    #[schema(minimum = 1, maximum = 1200, example = 36)]
    #[serde(rename = "retention_months")]
    months: Option<i32>,
    /// Who is responsible for the records; `null` for nobody in particular.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    responsible: Option<String>,
    /// Where the records are stored; `null` if that is not stated.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    storage_place: Option<String>,
    /// How the records are retrieved; `null` if that is not stated.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    retrieval: Option<String>,
    /// How the records are protected; `null` if that is not stated.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    protection: Option<String>,
    /// The final disposition of the records after the retention period; `null` if that is not stated.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    disposition: Option<String>,
}

/// List the rules of retention
///
/// How long each kind of record is kept, who is responsible for it, where and how it is kept, and what happens to it in
/// the end: the columns of "Control de registros" of the procedure (section 7), in the order of its table. All of them
/// are on one page.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRetentionRules))),
    tag = "retention", operation_id = "listRetentionRules",
    responses(
        (status = 200, body = Page<RetentionRule>, description = "The rules of retention"),
    )
)]
#[get("/retention-rules")]
pub async fn list(call: Call) -> Result<HttpResponse> {
    call.read(|db, _| {
        let mut items: Vec<RetentionRule> =
            retention_rules::table.select(RetentionRule::as_select()).load(db)?;
        items.sort_by_key(|rule| rule.kind);
        Page::whole(items)
    })
    .await
}

/// Read a rule of retention
///
/// How long records of this kind are kept, and the other columns of the procedure's table.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRetentionRules))),
    tag = "retention", operation_id = "getRetentionRule",
    params(("kind" = RetentionKind, Path, description = "The kind of records that the rule applies to.")),
    responses((status = 200, body = RetentionRule, description = "The rule of retention"))
)]
#[get("/retention-rules/{kind}")]
pub async fn read(kind: Path<RetentionKind>, call: Call) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let rule: RetentionRule =
            retention_rules::table.find(*kind).select(RetentionRule::as_select()).get_result(db)?;
        Ok(Answer::ok(&rule)?.version(rule.kind.as_str(), rule.version))
    })
    .await
}

/// Change a rule of retention
///
/// A new period applies immediately: records that have expired under it are removed within a minute and cannot be
/// restored. The other columns are text for people: they change nothing else. The period cannot be shorter than the procedure requires; tickets are kept indefinitely.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention))),
    tag = "retention", operation_id = "updateRetentionRule",
    params(("kind" = RetentionKind, Path, description = "The kind of records that the rule applies to.")),
    request_body(content = RetentionRuleProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = RetentionRule, description = "The rule of retention after the change"))
)]
#[patch("/retention-rules/{kind}")]
pub async fn change(
    kind: Path<RetentionKind>,
    call: Call,
    body: Body<Patch<RetentionRuleProfile>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let found = retention_rules::table.find(*kind);
        let rule: RetentionRule = found.select(RetentionRule::as_select()).for_update().first(tx)?;
        let (profile, changes) = body.merge(&RetentionRuleProfile {
            months: rule.months,
            responsible: rule.responsible.clone(),
            storage_place: rule.storage_place.clone(),
            retrieval: rule.retrieval.clone(),
            protection: rule.protection.clone(),
            disposition: rule.disposition.clone(),
        })?;
        check(profile.months, rule.minimum_months)?;
        actor.check_version(rule.kind.as_str(), rule.version)?;
        if !changes {
            return Ok(Answer::ok(&rule)?.version(rule.kind.as_str(), rule.version));
        }
        let applied_on = rule.applied_on.filter(|_| profile.months == rule.months);
        let rule: RetentionRule = diesel::update(found)
            .set((
                profile,
                retention_rules::applied_on.eq(applied_on),
                next_version!(retention_rules, rule.version, actor),
            ))
            .returning(RetentionRule::as_returning())
            .get_result(tx)?;
        Ok(Answer::ok(&rule)?.version(rule.kind.as_str(), rule.version))
    })
    .await
}

/// Checks that this number of months is allowed.
fn check(months: Option<i32>, minimum: Option<i32>) -> Result<()> {
    let refused = |code, detail| Err(Problem::field(FieldError::new("/retention_months", code, detail)));
    match (months, minimum) {
        (Some(_), None) => refused(
            FieldCode::NotAllowed,
            Text::new(
                "El procedimiento ordena conservarlos indefinidamente.",
                "The procedure requires that they are kept indefinitely.",
            ),
        ),
        (Some(months), Some(minimum)) if months < minimum => refused(
            FieldCode::OutOfRange,
            Text::made(
                format!("Deben ser {minimum} meses o más."),
                format!("It must be at least {minimum} months."),
            ),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_for_less_than_the_procedure_says() {
        for (months, minimum, may) in [
            (Some(24), Some(24), true),
            (Some(23), Some(24), false),
            (None, Some(24), true),
            (None, None, true),
            (Some(1200), None, false),
        ] {
            assert_eq!(check(months, minimum).is_ok(), may, "{months:?} of {minimum:?}");
        }
    }
}
