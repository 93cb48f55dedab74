//! The account of the current user.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::user::{Contact, User};
use crate::account::attempts::Attempt;
use crate::account::audit::record_account_event;
use crate::account::password_links::links;
use crate::account::sessions::{self, Account};
use crate::audit::log::AuditKind;
use crate::auth::passwords;
use crate::auth::policy::{Action, PermissionScope, Rights};
use crate::db::schema::users;
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::{Actor, Answer, Body, Call, ClientAddress};
use crate::language::locale::Locale;
use crate::outbox::notices::{AccountChange, queue_account_notice};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The caller's account and permissions.
#[derive(Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    user: User,
    /// The scope of each permitted action; an action that is missing is not allowed.
    permissions: Permissions,
}

#[derive(Serialize)]
struct Permissions(BTreeMap<Action, PermissionScope>);

impl PartialSchema for Permissions {
    fn schema() -> RefOr<Schema> {
        let scope = || Ref::from_schema_name(PermissionScope::name());
        let told = match Action::schema() {
            RefOr::T(Schema::Object(actions)) => actions.description,
            _ => None,
        };
        let all = ObjectBuilder::new().description(told);
        let all = all.additional_properties(Some(AdditionalProperties::FreeForm(false)));
        let whose = |action: &Action| {
            let description = format!("The scope of `{}`; omitted if it is not allowed.", action.as_str());
            let mut scope = scope();
            scope.description = description;
            scope
        };
        Action::ALL.iter().fold(all, |all, action| all.property(action.as_str(), whose(action))).into()
    }
}

impl ToSchema for Permissions {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PermissionScope::name().into_owned(), PermissionScope::schema()));
    }
}

/// The fields that a user may change in their own account.
#[derive(PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeProfile {
    /// The user's telephone numbers; `null` removes all of them.
    #[serde(default)]
    #[schema(required = false)]
    contact: Contact,
    /// The language of mail to the user, and of error texts for requests without an `Accept-Language` of Spanish or
    /// English.
    locale: Locale,
    /// Whether the user receives mail about tickets of the desk that are neither assigned to them nor critical: new
    /// ones, those that wait for staff, and their due times; also about overdue improvement actions of others. Mail about
    /// their own tickets and actions, critical tickets and their own requests is always sent.
    staff_mail: bool,
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeRequest {
    /// The current password of the account.
    #[schema(max_length = 200, format = Password, example = "una-clave-larga")]
    current_password: String,
    /// The new password. One that is easy to guess, for example because it contains the email address, is rejected with
    /// `too_guessable`.
    #[schema(min_length = 10, max_length = 200, format = Password, example = "otra-clave-larga")]
    new_password: String,
}

/// Read the caller's account and permissions
///
/// The account that the access token or key belongs to. `permissions` lists the actions that the caller may carry out by
/// their role and their `granted_permissions`, a service account by its role and its scopes: clients should offer only these.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnAccount))),
    tag = "me", operation_id = "getMe",
    responses(
        (status = 200, body = Me, description = "The caller's account and permissions"),
    )
)]
#[get("/me")]
pub async fn read(call: Call) -> Result<HttpResponse> {
    call.read(|db, actor| me(actor, User::of_anyone(db, actor.id)?)).await
}

/// Change the caller's account
///
/// Omitted fields keep their values; `null` removes a value. Role, unit and name are changed with `PATCH
/// /users/{user_id}`, by a professional (up to their own role) or the director.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnAccount))),
    tag = "me", operation_id = "updateMe",
    request_body(content = MeProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Me, description = "The caller's account and permissions after the change"))
)]
#[patch("/me")]
pub async fn change(call: Call, body: Body<Patch<MeProfile>>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        actor.must_be_person()?;
        let user = User::lock(tx, actor.id)?;
        let before =
            MeProfile { contact: user.contact.clone(), locale: user.locale, staff_mail: user.staff_mail };
        let (profile, changes) = body.merge(&before)?;
        actor.check_version(tag(user.id), user.version)?;
        if !changes {
            return me(actor, user);
        }
        diesel::update(users::table.find(actor.id))
            .set((
                users::landline.eq(profile.contact.landline),
                users::extension.eq(profile.contact.extension),
                users::mobile.eq(profile.contact.mobile),
                users::locale.eq(profile.locale),
                users::staff_mail.eq(profile.staff_mail),
                next_version!(users, user.version, actor),
            ))
            .execute(tx)?;
        me(actor, User::find(tx, actor.id)?)
    })
    .await
}

/// Change the caller's password
///
/// Ends all sessions of the account immediately, including access tokens: sign in again with the new password. Wrong
/// current passwords, and new ones that are rejected, count like failed attempts of `POST /auth/login`. A notice of
/// the change is mailed to the person. `Idempotency-Key` is not supported, since the token is no longer valid for a
/// retry.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnAccount)), ("x-mesa-not-idempotent" = json!(true))),
    tag = "me", operation_id = "changeMyPassword", request_body = PasswordChangeRequest,
    responses(
        (status = 204, description = "The password is changed"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    )
)]
#[post("/me/password")]
pub async fn password(
    call: Call,
    from: ClientAddress,
    body: Body<PasswordChangeRequest>,
) -> Result<HttpResponse> {
    // Counted first, in a separate transaction: the following steps take long, and the count of a wrong password must
    // not be rolled back.
    let counted = call.check(move |db, actor| {
        actor.must_be_person()?;
        let wanted = body.read()?;
        let (email, current_hash): (String, Option<String>) =
            users::table.find(actor.id).select((users::email, users::password_hash)).get_result(db)?;
        let attempt = Attempt::count(db, &email, from)?;
        Ok((wanted, email, current_hash, attempt))
    });
    let (PasswordChangeRequest { current_password, new_password }, email, current_hash, attempt) =
        counted.await?;
    let (known_hash, address) = (current_hash.clone(), email.clone());
    let computed = passwords::compute(move || {
        if !passwords::verify(&current_password, known_hash.as_deref()) {
            return Ok(Err(not_current()));
        }
        let known = passwords::words_of([email.as_str()]);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        match passwords::fault("/new_password", &new_password, &known) {
            Some(fault) => Ok(Err(Problem::field(fault))),
            None => passwords::hash(&new_password).map(Ok),
        }
    });
    let new_hash = match computed.await {
        Ok(checked) => checked??,
        Err(busy) => {
            call.desk.db.run(move |db| attempt.take_back(db)).await?;
            return Err(busy);
        }
    };
    let set = move |tx: &mut PgConnection, actor: &Actor| {
        if Account::lock(tx, actor.id)?.password_hash != current_hash {
            return Err(not_current());
        }
        attempt.was_right(tx)?;
        diesel::update(users::table.find(actor.id)).set(users::password_hash.eq(new_hash)).execute(tx)?;
        links::remove(tx, actor.id)?;
        record_account_event(tx, AuditKind::PasswordChanged, actor.id, Some(actor.id))?;
        queue_account_notice(tx, actor.id, &address, AccountChange::Password { by_link: false }, actor.now)?;
        sessions::end_all(tx, actor.id)
    };
    call.check(move |db, actor| db.transaction(|tx| set(tx, actor))).await?;
    Ok(Answer::no_content().respond(None, ("", "")))
}

fn not_current() -> Problem {
    Problem::field(FieldError::new(
        "/current_password",
        FieldCode::NotAllowed,
        Text::new("No es la contraseña actual.", "This is not the current password."),
    ))
}

/// Identifies the own account in its `ETag`: it is another resource than the account that the directory shows.
fn tag(user_id: Uuid) -> String {
    format!("{user_id}/me")
}

fn me(actor: &Actor, user: User) -> Result<Answer> {
    let rights = Rights { role: user.role, granted: &user.granted_permissions, ..actor.rights() };
    let permissions = Action::ALL.iter().filter_map(|action| Some((*action, rights.scope(*action)?)));
    let permissions = Permissions(permissions.collect());
    let (id, version) = (user.id, user.version);
    Ok(Answer::ok(&Me { user, permissions })?.version(tag(id), version))
}
