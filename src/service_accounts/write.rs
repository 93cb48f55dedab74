//! Creating and changing service accounts.

use actix_web::web::Path;
use actix_web::{HttpResponse, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scopes;
use super::service_account::ServiceAccount;
use crate::auth::no_address;
use crate::auth::person::PersonKind;
use crate::auth::policy::{Action, Role};
use crate::auth::ticket_limit::TicketLimit;
use crate::db::schema::users;
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::{Answer, Body, Call};
use crate::problem::Result;

/// A service account to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountCreate {
    /// The name, as history and followups show it.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Inventario de equipos")]
    name: String,
    /// What the service account is for.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"\S",
        example = "Registra incidentes de los servidores vigilados."
    )]
    description: Option<String>,
    /// The role: `technician`, `professional` or `director`.
    #[schema(example = "technician")]
    role: Role,
    /// The actions of the role that the service account may carry out. Not possible are those reserved to people:
    /// managing people, service accounts and keys, approving and signing, anonymizing, and what only an assignee does.
    #[schema(max_items = 100, example = json!(["register_ticket", "read_ticket", "read_catalogs"]))]
    scopes: Vec<Action>,
    /// The units of whose requesters it may use tickets; of all if omitted or empty. Then only scopes on tickets, articles, catalogues
    /// and events are possible, and a ticket that lacks what is limited is not used either.
    #[serde(default)]
    #[schema(max_items = 100, required = false)]
    unit_ids: Vec<Uuid>,
    /// The categories of which it may use tickets; all if omitted or empty. As for units.
    #[serde(default)]
    #[schema(max_items = 100, required = false)]
    category_ids: Vec<Uuid>,
}

/// The fields of a service account that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountProfile {
    /// The name, as history and followups show it.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Inventario de equipos")]
    name: String,
    /// What the service account is for; `null` removes it.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"\S",
        example = "Registra incidentes de los servidores vigilados."
    )]
    description: Option<String>,
    /// The role: `technician`, `professional` or `director`.
    role: Role,
    /// The actions of the role that the service account may carry out, in place of those that it has. They take effect
    /// with the next request.
    #[schema(max_items = 100)]
    scopes: Vec<Action>,
    /// The units of whose requesters it may use tickets; of all if empty. Then only scopes on tickets, articles, catalogues
    /// and events are possible, and a ticket that lacks what is limited is not used either.
    #[schema(max_items = 100)]
    unit_ids: Vec<Uuid>,
    /// The categories of which it may use tickets; all if empty. As for units.
    #[schema(max_items = 100)]
    category_ids: Vec<Uuid>,
    /// Whether the keys of the service account are accepted.
    active: bool,
}

/// The stored form of scopes.
fn names(scopes: &[Action]) -> Vec<&'static str> {
    scopes.iter().map(|action| action.as_str()).collect()
}

/// Create a service account
///
/// A machine that acts under its own name: `actor` in the history, `author` of followups, both with `kind`
/// `service_account`. It has neither password nor mail, is never assigned a ticket, and makes no requests of its own: it
/// registers tickets on behalf of people. `POST /service-accounts/{service_account_id}/keys` creates the key with which it
/// calls the API.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "createServiceAccount", request_body = ServiceAccountCreate,
    responses((status = 201, body = ServiceAccount, description = "The new service account"))
)]
#[post("/service-accounts")]
pub async fn create(call: Call, body: Body<ServiceAccountCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let new = body.read()?;
        let limit = TicketLimit { unit_ids: new.unit_ids, category_ids: new.category_ids };
        let scopes = scopes::checked(new.role, &new.scopes, &limit)?;
        limit.check_known(tx, "")?;
        let id = Uuid::now_v7();
        diesel::insert_into(users::table)
            .values((
                users::id.eq(id),
                users::account_kind.eq(PersonKind::ServiceAccount),
                users::email.eq(no_address::of_service_account(id)),
                users::full_name.eq(new.name.trim()),
                users::account_description.eq(new.description.map(|text| text.trim().to_owned())),
                users::role.eq(new.role),
                users::scopes.eq(names(&scopes)),
                users::active.eq(false),
                users::machine_active.eq(true),
                users::machine_unit_ids.eq(limit.unit_ids),
                users::machine_category_ids.eq(limit.category_ids),
                users::staff_mail.eq(false),
                users::created_at.eq(actor.now),
                users::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        let account = ServiceAccount::find(tx, id)?;
        let version = account.version;
        Ok(Answer::created(format!("/api/v1/service-accounts/{id}"), &account)?.version(id, version))
    })
    .await
}

/// Change a service account
///
/// Omitted fields keep their values; `null` removes the description. `active: false` ends its keys at once and for good, and
/// the access tokens issued for them: an account that becomes active again needs new keys.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "updateServiceAccount", params(("service_account_id" = Uuid, Path, description = "Identifier of the service account.")),
    request_body(content = ServiceAccountProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ServiceAccount, description = "The service account after the change"))
)]
#[patch("/service-accounts/{service_account_id}")]
pub async fn change(
    call: Call,
    id: Path<Uuid>,
    body: Body<Patch<ServiceAccountProfile>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let account = ServiceAccount::lock(tx, *id)?;
        let before = ServiceAccountProfile {
            name: account.name.clone(),
            description: account.description.clone(),
            role: account.role,
            scopes: account.scopes.clone(),
            unit_ids: account.unit_ids.clone(),
            category_ids: account.category_ids.clone(),
            active: account.active,
        };
        let (profile, changes) = body.merge(&before)?;
        let limit = TicketLimit { unit_ids: profile.unit_ids, category_ids: profile.category_ids };
        let scopes = scopes::checked(profile.role, &profile.scopes, &limit)?;
        limit.check_known(tx, "")?;
        actor.check_version(account.id, account.version)?;
        if !changes {
            return account.answer();
        }
        diesel::update(users::table.find(account.id))
            .set((
                users::full_name.eq(profile.name.trim()),
                users::account_description.eq(profile.description.map(|text| text.trim().to_owned())),
                users::role.eq(profile.role),
                users::scopes.eq(names(&scopes)),
                users::machine_active.eq(profile.active),
                users::machine_unit_ids.eq(limit.unit_ids),
                users::machine_category_ids.eq(limit.category_ids),
                // Its keys end: one that was given away must not work again when the account does.
                users::sign_in_era.eq(users::sign_in_era + i32::from(account.active && !profile.active)),
                next_version!(users, account.version, actor),
            ))
            .execute(tx)?;
        ServiceAccount::find(tx, account.id)?.answer()
    })
    .await
}
