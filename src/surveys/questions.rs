//! The questions of the survey.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::policy::Action;
use crate::db::schema::survey_questions as questions;
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// The type of answer to a question.
    pub enum QuestionKind {
        /// From 1 (very bad) to 5 (very good).
        Rating = "rating",
    }
}

/// A text in Spanish and English.
#[derive(Debug, Clone, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = questions)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// The text in Spanish.
    #[diesel(column_name = text_es)]
    #[schema(min_length = 1, max_length = 300, pattern = r"\S", example = "¿Cómo califica el servicio?")]
    pub es: String,
    /// The text in English.
    #[diesel(column_name = text_en)]
    #[schema(min_length = 1, max_length = 300, pattern = r"\S", example = "How do you rate the service?")]
    pub en: String,
}

/// A question of the survey.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = questions)]
pub struct SurveyQuestion {
    /// Identifier of the question.
    pub id: Uuid,
    /// A unique key for programs; it never changes.
    #[schema(max_length = 50, example = "overall")]
    pub key: String,
    /// The type of answer; `rating` is the only one.
    pub kind: QuestionKind,
    /// The text of the question, in both languages.
    #[diesel(embed)]
    #[serde(rename = "wording")]
    pub text: Wording,
    /// The position in the order of the questions: lower numbers are asked first.
    #[schema(minimum = 1, maximum = 1000, example = 10)]
    pub position: i32,
    /// Whether it is one of the four questions of every survey, whose answers are the survey's `ratings` and are used
    /// in the quarterly figures. A standing question can be reworded and moved, but not deactivated. Answers to other
    /// questions are optional.
    pub standing: bool,
    /// Whether the question is currently asked.
    pub active: bool,
    /// The time at which the question was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last change of the question.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub version: i32,
}

/// A question to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyQuestionCreate {
    /// A unique key for programs, which cannot be changed later: a lower-case letter, then up to 49 lower-case letters,
    /// digits or `_`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,49}$", max_length = 50, example = "clarity")]
    key: String,
    /// The type of answer; `rating`, the only one, if omitted.
    kind: Option<QuestionKind>,
    /// The text of the question, in both languages.
    #[serde(rename = "wording")]
    text: Wording,
    /// The position in the order of the questions: lower numbers are asked first.
    #[schema(minimum = 1, maximum = 1000, example = 50)]
    position: i32,
}

/// The fields of a question that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyQuestionContent {
    /// The text of the question, in both languages. Existing answers keep the text as it was asked.
    #[serde(rename = "wording")]
    text: Wording,
    /// The position in the order of the questions: lower numbers are asked first.
    #[schema(minimum = 1, maximum = 1000, example = 50)]
    position: i32,
    /// Whether the question is asked. A `standing` question cannot be set to `false`.
    active: bool,
}

/// Filters for the list of questions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SurveyQuestionFilters {
    /// `true`: only questions that are currently asked; `false`: only those that are no longer asked; all if omitted.
    active: Option<bool>,
}

/// The active questions, in their order.
pub fn asked(db: &mut PgConnection) -> Result<Vec<SurveyQuestion>> {
    let asked = questions::table.filter(questions::active).order((questions::position, questions::id));
    Ok(asked.select(SurveyQuestion::as_select()).load(db)?)
}

/// List the questions of the survey
///
/// In the order in which they are asked.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "surveys", operation_id = "listSurveyQuestions", params(Paging, SurveyQuestionFilters),
    responses((status = 200, body = Page<SurveyQuestion>, description = "One page of the questions"))
)]
#[get("/survey-questions")]
pub async fn list(call: Call, query: Query<SurveyQuestionFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let mut query = questions::table.into_boxed();
            if let Some(active) = filters.active {
                query = query.filter(questions::active.eq(active));
            }
            query
        };
        let (items, total): (Vec<SurveyQuestion>, _) = read_page!(
            db,
            paging,
            "position",
            filtered,
            (questions::position as i32, questions::id as Uuid),
            SurveyQuestion::as_select()
        );
        paging.answer("position", items, total, |question| (question.position, question.id))
    })
    .await
}

/// Read a question of the survey
///
/// With its text in both languages, and whether it is currently asked.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "surveys", operation_id = "getSurveyQuestion",
    params(("question_id" = Uuid, Path, description = "Identifier of the question.")),
    responses((status = 200, body = SurveyQuestion, description = "The question"))
)]
#[get("/survey-questions/{question_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        answer(questions::table.find(*id).select(SurveyQuestion::as_select()).get_result(db)?)
    })
    .await
}

/// Add a question to the survey
///
/// It is asked in surveys that are answered from now on.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "surveys", operation_id = "createSurveyQuestion", request_body = SurveyQuestionCreate,
    responses(
        (status = 201, body = SurveyQuestion, description = "The new question"),
        (status = 409, description = "`already_exists`: the key is in use"),
    )
)]
#[post("/survey-questions")]
pub async fn create(call: Call, body: Body<SurveyQuestionCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let new = body.read()?;
        let question: SurveyQuestion = diesel::insert_into(questions::table)
            .values((
                questions::id.eq(Uuid::now_v7()),
                questions::key.eq(new.key),
                questions::kind.eq(new.kind.unwrap_or(QuestionKind::Rating)),
                questions::text_es.eq(new.text.es),
                questions::text_en.eq(new.text.en),
                questions::position.eq(new.position),
                questions::created_at.eq(actor.now),
                questions::updated_at.eq(actor.now),
            ))
            .returning(SurveyQuestion::as_returning())
            .get_result(tx)?;
        let (id, version) = (question.id, question.version);
        Ok(Answer::created(format!("/api/v1/survey-questions/{id}"), &question)?.version(id, version))
    })
    .await
}

/// Change a question of the survey
///
/// Existing answers keep the text as it was asked. Set `active` to false to stop asking it; a `standing` question is
/// always asked.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "surveys", operation_id = "updateSurveyQuestion",
    params(("question_id" = Uuid, Path, description = "Identifier of the question.")),
    request_body(content = SurveyQuestionContent, content_type = "application/merge-patch+json"),
    responses((status = 200, body = SurveyQuestion, description = "The question after the change"))
)]
#[patch("/survey-questions/{question_id}")]
pub async fn change(
    call: Call,
    id: Path<Uuid>,
    body: Body<Patch<SurveyQuestionContent>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let found = questions::table.find(*id).select(SurveyQuestion::as_select());
        let question: SurveyQuestion = found.for_update().first(tx)?;
        let (content, changes) = body.merge(&SurveyQuestionContent {
            text: question.text,
            position: question.position,
            active: question.active,
        })?;
        if question.standing && !content.active {
            return Err(Problem::field(FieldError::new(
                "/active",
                FieldCode::NotAllowed,
                Text::new(
                    "Esta pregunta se usa en los indicadores y no se puede desactivar.",
                    "This question is used in the indicators and cannot be deactivated.",
                ),
            )));
        }
        actor.check_version(question.id, question.version)?;
        let question = diesel::update(questions::table.find(question.id))
            .set((
                questions::text_es.eq(content.text.es),
                questions::text_en.eq(content.text.en),
                questions::position.eq(content.position),
                questions::active.eq(content.active),
                changes.then(|| next_version!(questions, question.version, actor)),
            ))
            .returning(SurveyQuestion::as_returning())
            .get_result(tx)?;
        answer(question)
    })
    .await
}

fn answer(question: SurveyQuestion) -> Result<Answer> {
    let (id, version) = (question.id, question.version);
    Ok(Answer::ok(&question)?.version(id, version))
}
