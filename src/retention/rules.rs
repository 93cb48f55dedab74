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
    /// The last day, in the entity's time zone, on which all records that had expired by then were removed; `null` if
    /// that has not happened since the rule was created or last changed.
    applied_on: Option<NaiveDate>,
    /// The time of the last change of the rule.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The fields of a rule that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRuleProfile {
    /// How long records are kept, in calendar months, at least `minimum_months` of the rule; `null` means indefinitely.
    /// For a rule whose `minimum_months` is `null`, only `null` is allowed.
    #[schema(minimum = 1, maximum = 1200, example = 36)]
    #[serde(rename = "retention_months")]
    months: Option<i32>,
}

/// List the rules of retention
///
/// How long each kind of record is kept, according to "Control de registros" of the procedure, in the order of
/// its table. All of them are on one page.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention)), ("x-mesa-unversioned" = json!(true))),
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
/// How long records of this kind are kept.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention))),
    tag = "retention", operation_id = "getRetentionRule",
    params(("kind" = RetentionKind, Path, description = "The kind of records that the rule applies to.")),
    responses((status = 200, body = RetentionRule, description = "The rule of retention"))
)]
#[get("/retention-rules/{kind}")]
pub async fn read(kind: Path<RetentionKind>, call: Call) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let rule: RetentionRule =
            retention_rules::table.find(*kind).select(RetentionRule::as_select()).first(db)?;
        Ok(Answer::ok(&rule)?.version(rule.kind.as_str(), rule.version))
    })
    .await
}

/// Change a rule of retention
///
/// The rule applies immediately: records that have expired under it are removed within a minute and cannot be
/// restored. The period cannot be shorter than the procedure requires; tickets are kept indefinitely.
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
        let (profile, changes) = body.merge(&RetentionRuleProfile { months: rule.months })?;
        check(profile.months, rule.minimum_months)?;
        actor.check_version(rule.kind.as_str(), rule.version)?;
        if !changes {
            return Ok(Answer::ok(&rule)?.version(rule.kind.as_str(), rule.version));
        }
        let rule: RetentionRule = diesel::update(found)
            .set((
                retention_rules::months.eq(profile.months),
                retention_rules::applied_on.eq(None::<NaiveDate>),
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
