//! Rules for the content of an article.

use diesel::prelude::*;

use super::articles::{ArticleCreate, ArticleStatus};
use crate::db::schema::{categories, tickets};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Whether the article is published without steps and without the mark that none apply.
pub fn lacks_steps(content: &ArticleCreate) -> bool {
    content.status == ArticleStatus::Published && content.steps.is_empty() && !content.no_steps
}

/// Checks that an article that becomes visible has its steps or the mark that none apply, and that its category and
/// its ticket exist; what was so before the change may stay.
pub fn check(tx: &mut PgConnection, content: &ArticleCreate, before: Option<&ArticleCreate>) -> Result<()> {
    use diesel::dsl::{exists, select};
    let mut errors = Vec::new();
    if lacks_steps(content) && !before.is_some_and(lacks_steps) {
        errors.push(FieldError::new(
            "/steps",
            FieldCode::Required,
            Text::new(
                "Un artículo se publica con los pasos de la solución, o con `no_steps` si no aplican.",
                "An article is published with the steps of the resolution, or with `no_steps` if none apply.",
            ),
        ));
    }
    if content.no_steps && !content.steps.is_empty() {
        errors.push(FieldError::new(
            "/no_steps",
            FieldCode::NotAllowed,
            Text::new("El artículo tiene pasos.", "The article has steps."),
        ));
    }
    if let Some(id) = content.category_id
        && before.and_then(|before| before.category_id) != Some(id)
        && !select(exists(categories::table.find(id).filter(categories::active))).get_result::<bool>(tx)?
    {
        errors.push(FieldError::unknown_id("/category_id"));
    }
    if let Some(id) = content.ticket_id
        && before.and_then(|before| before.ticket_id) != Some(id)
        && !select(exists(tickets::table.find(id))).get_result::<bool>(tx)?
    {
        errors.push(FieldError::unknown_id("/ticket_id"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}
