//! Activities 12 and 13: improvement actions (FO-EM-15 Plan de Mejoramiento) and risks (FO-DE-11 Matriz de Riesgos).

pub mod actions;
mod origin;
pub mod risks;

use chrono::NaiveDate;
use diesel::prelude::*;
use uuid::Uuid;

use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::http::Actor;
use crate::http::routes::Routes;
use crate::problem::{FieldError, Result};

pub fn routes(routes: &mut Routes) {
    routes
        .service(actions::list::list)
        .service(actions::write::create)
        .service(actions::write::read)
        .service(actions::write::change)
        .service(actions::followups::list)
        .service(actions::followups::add)
        .service(actions::followups::read)
        .service(actions::completion::complete)
        .service(actions::verification::verify)
        .service(actions::attachments::attach)
        .service(actions::attachments::list)
        .service(risks::list::list)
        .service(risks::write::create)
        .service(risks::matrix::read)
        .service(risks::write::read)
        .service(risks::write::change)
        .service(risks::attachments::attach)
        .service(risks::attachments::list);
}

/// The current day by the entity's clock.
pub fn today(actor: &Actor) -> NaiveDate {
    actor.now.with_timezone(&actor.timezone).date_naive()
}

/// The fault of a person as an owner: they must be staff, and active.
pub fn owner_fault(tx: &mut PgConnection, owner_id: Uuid, pointer: &str) -> Result<Option<FieldError>> {
    let staff = users::table.find(owner_id).filter(users::active).filter(users::role.ne(Role::Requester));
    let known: bool = diesel::select(diesel::dsl::exists(staff)).get_result(tx)?;
    Ok((!known).then(|| FieldError::unknown_id(pointer)))
}
