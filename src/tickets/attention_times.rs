//! The attention times of the procedure, kept as data.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Criticality;
use crate::auth::policy::Action;
use crate::db::schema::attention_times;
use crate::http::body::Patch;
use crate::http::{Answer, Body, Call};
use crate::problem::Result;

/// How long after its reception a request of this criticality may wait to be accepted.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = attention_times)]
pub struct AttentionTime {
    criticality: Criticality,
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    minutes: i32,
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The attention times, the shortest first.
#[derive(Serialize, ToSchema)]
pub struct AttentionTimes {
    items: Vec<AttentionTime>,
}

/// An attention time as it can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttentionTimeProfile {
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    minutes: i32,
}

/// List the attention times
#[utoipa::path(
    tag = "attention times", operation_id = "listAttentionTimes", responses((status = 200, body = AttentionTimes))
)]
#[get("/attention-times")]
pub async fn list(call: Call) -> Result<HttpResponse> {
    call.read(Action::ReadCatalogs, |db, _| {
        let items = attention_times::table
            .order((attention_times::minutes, attention_times::criticality))
            .select(AttentionTime::as_select())
            .load(db)?;
        Answer::ok(&AttentionTimes { items })
    })
    .await
}

/// Change an attention time
///
/// It counts for classifications and escalations from then on; due times that are set stay.
#[utoipa::path(
    tag = "attention times", operation_id = "updateAttentionTime", params(("criticality" = Criticality, Path)),
    request_body(content = AttentionTimeProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AttentionTime))
)]
#[patch("/attention-times/{criticality}")]
pub async fn change(
    call: Call,
    criticality: Path<Criticality>,
    body: Body<Patch<AttentionTimeProfile>>,
) -> Result<HttpResponse> {
    call.write(Action::Manage, body, move |tx, actor, body| {
        let kept = attention_times::table.find(*criticality);
        let time = kept.select(AttentionTime::as_select()).for_update().first(tx)?;
        let profile = body.merge(&AttentionTimeProfile { minutes: time.minutes })?;
        actor.check_version(time.version)?;
        let time: AttentionTime = diesel::update(kept)
            .set((
                attention_times::minutes.eq(profile.minutes),
                attention_times::version.eq(time.version + 1),
                attention_times::updated_at.eq(actor.now),
            ))
            .returning(AttentionTime::as_returning())
            .get_result(tx)?;
        Ok(Answer::ok(&time)?.version(time.version))
    })
    .await
}
