//! People's accounts: requesters and staff.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text as SqlText};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::account_rules::{
    beyond_completion, check_unit, lock_directors, may_change_email, must_not_be_anonymous, only_completes,
    own_address_fault,
};
use super::open_tickets;
use super::password_reset;
use super::user::{Contact, Found, Row, User, is_named};
use crate::account::password_links::links;
use crate::account::{attempts, sessions};
use crate::auth::passwords;
use crate::auth::person::PersonKind;
use crate::auth::policy::{Action, PermissionScope, Role, UserPermission};
use crate::db::schema::{units, users};
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::catalogue::NameSort;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::locale::Locale;
use crate::language::text_enum;
use crate::outbox::notices::{AccountChange, queue_account_notice};
use crate::problem::{Code, Problem, Result, Text};

/// An account to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// The address for signing in and for mail. Upper and lower case are the same. It must not belong to another
    /// account.
    #[schema(format = "email", min_length = 3, max_length = 254, example = "ana.restrepo@example.gov.co")]
    email: String,
    /// The first password. If omitted, the person is invited: a link to set the first password is mailed to them, valid
    /// for 7 days and one use. `POST /users/{user_id}/password-reset` mails another one.
    #[schema(min_length = 10, max_length = 200, format = Password, example = "una-clave-larga")]
    password: Option<String>,
    /// The role, which determines the permissions; not above that of the caller.
    role: Role,
    /// Permissions in addition to those of the role; none if omitted.
    #[serde(default)]
    #[schema(required = false, max_items = 10)]
    granted_permissions: Vec<UserPermission>,
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Ana María Restrepo")]
    full_name: String,
    /// The number of the identity document.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111222")]
    document_id: Option<String>,
    /// The telephone numbers; none if omitted.
    contact: Option<Contact>,
    /// Identifier of an active unit; no unit if omitted.
    unit_id: Option<Uuid>,
    /// The language of mail to the person, and of error texts for their requests without an `Accept-Language` of
    /// Spanish or English. `es` if omitted.
    locale: Option<Locale>,
    /// The last day of the contract, in the entity's time zone. No end if omitted.
    #[schema(example = "2026-12-31")]
    contract_ends_on: Option<NaiveDate>,
}

/// The fields of an account that can be changed.
#[derive(PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserProfile {
    /// The address for signing in and for mail. Upper and lower case are the same. It must not belong to another
    /// account. Only the director may change the address of another person who is staff or has a password.
    #[schema(format = "email", min_length = 3, max_length = 254, example = "ana.restrepo@example.gov.co")]
    email: String,
    /// The role, which determines the permissions; not above that of the caller. The last active director keeps the
    /// role.
    role: Role,
    /// Permissions in addition to those of the role, in place of those that the person has; `null` removes all of them.
    /// They take effect with the next request, and stay when the role changes.
    #[serde(default)]
    #[schema(required = false, max_items = 10)]
    granted_permissions: Vec<UserPermission>,
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Ana María Restrepo")]
    full_name: String,
    /// The number of the identity document; `null` removes it.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111222")]
    document_id: Option<String>,
    /// The telephone numbers; `null` removes all of them.
    #[serde(default)]
    #[schema(required = false)]
    contact: Contact,
    /// Identifier of the unit; a new one must be active. `null` removes the unit.
    unit_id: Option<Uuid>,
    /// The language of mail to the person, and of error texts for their requests without an `Accept-Language` of
    /// Spanish or English.
    locale: Locale,
    /// Whether the person can sign in and be assigned work. The last active director stays active.
    active: bool,
    /// The last day of the contract, in the entity's time zone; after it the person is not available, but can still
    /// sign in while `active`. `null` for no end.
    #[schema(example = "2026-12-31")]
    contract_ends_on: Option<NaiveDate>,
    /// Whether the person receives mail about tickets of the desk that are neither assigned to them nor critical: new
    /// ones, those that wait for staff, and their due times; also about overdue improvement actions of others. Mail about
    /// their own tickets and actions, critical tickets and their own requests is always sent.
    staff_mail: bool,
    /// What becomes of the open tickets that the person can no longer attend to after this change, because `active` is false,
    /// the role is below the ticket's support level or the contract has ended: `return`, the default, or `refuse`. Only part of
    /// this change; it is not stored.
    #[schema(inline, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    open_ticket_handling: Option<OpenTicketHandling>,
}

text_enum! {
    /// What becomes of the open tickets of a person who can no longer attend to them.
    pub enum OpenTicketHandling {
        /// They return to their support level within a minute, without an assignee, and its staff are told.
        Return = "return",
        /// The change is refused while there are any.
        Refuse = "refuse",
    }
}

impl UserProfile {
    /// Whether the other profile differs only in what staff who do not manage accounts may complete and correct.
    fn is_completed_by(&self, other: &Self) -> bool {
        let keeps = |known: bool, then: bool| !known || then;
        keeps(self.document_id.is_some(), other.document_id.is_some())
            && keeps(self.unit_id.is_some(), other.unit_id.is_some())
            && keeps(!self.contact.is_empty(), !other.contact.is_empty())
            && keeps(is_named(&self.full_name), is_named(&other.full_name))
            && *other
                == UserProfile {
                    full_name: other.full_name.clone(),
                    document_id: other.document_id.clone(),
                    contact: other.contact.clone(),
                    unit_id: other.unit_id,
                    email: self.email.clone(),
                    role: self.role,
                    granted_permissions: self.granted_permissions.clone(),
                    locale: self.locale,
                    active: self.active,
                    contract_ends_on: self.contract_ends_on,
                    staff_mail: self.staff_mail,
                    open_ticket_handling: None,
                }
    }
}

/// Filters for the list of users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserFilters {
    /// Only people with this role; repeat it for several roles.
    #[serde(default)]
    #[param(required = false)]
    role: Vec<Role>,
    /// `true`: only active people; `false`: only people who are not active; all if omitted.
    active: Option<bool>,
    /// Only people of this unit. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    unit_id: Vec<Uuid>,
    /// Only people whose name, email address or document number contains each of these words or parts of words, in any
    /// order, ignoring case and accents. A number of five digits or more is one part, however it is written: `43.111.222`,
    /// `43 111 222` and `C.C. 43111222` are the same.
    #[param(max_length = 200)]
    q: Option<String>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List users
///
/// In the order of the names; filter by role, unit and activity, or search name, email address and document number with `q`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "users", operation_id = "listUsers", params(Paging, UserFilters),
    responses((status = 200, body = Page<User>, description = "One page of the users"))
)]
#[get("/users")]
pub async fn list(call: Call, query: Query<UserFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(NameSort::Ascending).as_str();
        let filtered = || {
            let people = users::table.filter(users::account_kind.eq(PersonKind::Person));
            let mut query =
                people.left_join(units::table.on(users::unit_id.eq(units::id.nullable()))).into_boxed();
            if !filters.role.is_empty() {
                query = query.filter(users::role.eq_any(&filters.role));
            }
            if let Some(active) = filters.active {
                query = query.filter(users::active.eq(active));
            }
            query = among!(query, users::unit_id, filters.unit_id);
            if let Some(text) = &filters.q {
                // Parts of less than three characters are not in the index.
                let parts = sql::<Bool>("(trigrams(person_parts(").bind::<SqlText, _>(text);
                let parts = parts.sql(
                    ")) = '{}' OR trigrams(person_texts(users.full_name_key, users.email, users.document_id)) \
                     @> trigrams(person_parts(",
                );
                let parts = parts.bind::<SqlText, _>(text).sql(
                    "))) AND has_parts(person_texts(users.full_name_key, users.email, users.document_id), \
                     person_parts(",
                );
                query = query.filter(parts.bind::<SqlText, _>(text).sql("))"));
            }
            query
        };
        let (rows, total): (Vec<Found>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (users::full_name_key as String, users::id as Uuid),
            (Row::as_select(), (units::id, units::name).nullable())
        );
        let items: Vec<User> = rows.into_iter().map(User::from).collect();
        paging.answer(sort, items, total, |user| (user.full_name_key.clone(), user.id))
    })
    .await
}

/// Read a user
///
/// With role, unit and contact data; never with a password.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "users", operation_id = "getUser", params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    responses((status = 200, body = User, description = "The user"))
)]
#[get("/users/{user_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| User::find(db, *id)?.answer()).await
}

/// Create a user
///
/// Without a `password` the person is invited by mail to set it. The role cannot be above that of the caller;
/// `granted_permissions` adds permissions to it. An
/// `email` of the desk's own mailbox, also with `+` and a suffix, is a 422 with `not_allowed`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "users", operation_id = "createUser", request_body = UserCreate,
    responses(
        (status = 201, body = User, description = "The new user"),
        (status = 409, description = "`already_exists`: the email is in use"),
    )
)]
#[post("/users")]
pub async fn create(call: Call, mut body: Body<UserCreate>) -> Result<HttpResponse> {
    // Before the transaction, because hashing takes longer than any statement.
    call.check(|_, _| Ok(())).await?;
    let checked = match password_of(body.peek()) {
        Some((password, known)) => Some(passwords::check_and_hash("/password", password, known).await?),
        None => None,
    };
    let desk = call.desk.clone();
    call.write(body, move |tx, actor, body| {
        let (hash, fault) = match checked {
            Some(Ok(hash)) => (Some(hash), None),
            Some(Err(fault)) => (None, Some(fault)),
            None => (None, None),
        };
        let new = body.read_with(|account| {
            let own = own_address_fault(&desk.config, &account["email"]);
            Ok(own.into_iter().chain(fault).collect())
        })?;
        may_manage(actor, new.role)?;
        check_unit(tx, new.unit_id)?;
        let contact = new.contact.unwrap_or_default();
        let id = Uuid::now_v7();
        diesel::insert_into(users::table)
            .values((
                users::id.eq(id),
                users::email.eq(new.email),
                users::password_hash.eq(&hash),
                users::role.eq(new.role),
                users::granted_permissions.eq(once_each(new.granted_permissions)),
                users::full_name.eq(new.full_name),
                users::document_id.eq(new.document_id),
                users::landline.eq(contact.landline),
                users::extension.eq(contact.extension),
                users::mobile.eq(contact.mobile),
                users::unit_id.eq(new.unit_id),
                users::locale.eq(new.locale.unwrap_or(Locale::Es)),
                users::contract_ends_on.eq(new.contract_ends_on),
                users::created_at.eq(actor.now),
                users::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        if new.password.is_none() {
            password_reset::invite(tx, id, actor.id)?;
        }
        let user = User::find(tx, id)?;
        let version = user.version;
        Ok(Answer::created(format!("/api/v1/users/{id}"), &user)?.version(id, version))
    })
    .await
}

/// Change a user
///
/// Set `active` to false when a person leaves: their sessions end immediately, their history is kept. A change of
/// role takes effect with the next request. Not allowed for a person whose role is above that of the caller.
///
/// Technicians complete and correct the data of requesters: they may change `full_name`, `document_id`, `contact` and
/// `unit_id` of an account with the role `requester`; everything else is a 403.
///
/// A change of `email` ends the sessions of the account, and a notice of it is mailed to the previous address. An
/// address of the desk's own mailbox, also with `+` and a suffix, is a 422 with `not_allowed`.
///
/// Open tickets (`assigned`, `in_progress`, `on_hold`) that the person can no longer attend to, because they are not `active`,
/// their role is below the support level of the ticket or their contract has ended, return to their level within a minute: they
/// have no assignee, wait for their assignment, and the staff of the level are told. When `contract_ends_on` has passed, this
/// happens on the next day. With `"open_ticket_handling": "refuse"` the change is a 409 `open_tickets` instead, with the numbers of these
/// tickets in `ticket_ids`, until they are handed over (`POST /users/{user_id}/handover`).
#[utoipa::path(
    extensions(("x-mesa-permission" = json!([Action::Manage, Action::CompleteRequesters]))),
    tag = "users", operation_id = "updateUser", params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    request_body(content = UserProfile, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = User, description = "The user after the change"),
        (status = 409, description = "`already_exists`: the email is in use; `last_director`: appoint another director first; `open_tickets`: the person has open tickets, in `ticket_ids`; `wrong_state`: the person was anonymized"),
    )
)]
#[patch("/users/{user_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<UserProfile>>) -> Result<HttpResponse> {
    let desk = call.desk.clone();
    call.write(body, move |tx, actor, body| {
        let directors = lock_directors(tx)?;
        let user = User::lock(tx, *id)?;
        may_manage(actor, user.role)?;
        if only_completes(actor) && user.role != Role::Requester {
            return Err(beyond_completion());
        }
        let before = UserProfile {
            email: user.email.clone(),
            role: user.role,
            granted_permissions: user.granted_permissions.clone(),
            full_name: user.full_name.clone(),
            document_id: user.document_id.clone(),
            contact: user.contact.clone(),
            unit_id: user.unit.as_ref().map(|unit| unit.id),
            locale: user.locale,
            active: user.active,
            contract_ends_on: user.contract_ends_on,
            staff_mail: user.staff_mail,
            open_ticket_handling: None,
        };
        let (mut profile, _) = body.merge_with(&before, |account| {
            // An existing address of the account does not prevent other changes: the configuration may be newer.
            let email = Some(&account["email"]).filter(|email| **email != user.email.as_str());
            email.and_then(|email| own_address_fault(&desk.config, email)).into_iter().collect()
        })?;
        actor.check_version(user.id, user.version)?;
        let handling = profile.open_ticket_handling.take();
        if profile == before {
            return user.answer();
        }
        if only_completes(actor) && !before.is_completed_by(&profile) {
            return Err(beyond_completion());
        }
        must_not_be_anonymous(tx, user.id)?;
        let moved = profile.email.to_lowercase() != user.email.to_lowercase();
        if moved {
            may_change_email(actor, &user)?;
            attempts::forget(tx, &user.email)?;
            // The links were mailed to the previous address.
            links::remove(tx, user.id)?;
            if user.has_email && !desk.config.is_own_address(&user.email) {
                let change = AccountChange::Email { changed_by: actor.id };
                queue_account_notice(tx, user.id, &user.email, change, actor.now)?;
            }
        }
        may_manage(actor, profile.role)?;
        if profile.unit_id != user.unit.as_ref().map(|unit| unit.id) {
            check_unit(tx, profile.unit_id)?;
        }
        let stays = profile.active && profile.role == Role::Director;
        if !stays && directors == [user.id] {
            return Err(Problem::new(
                Code::LastDirector,
                Text::new("Designe primero a otro director.", "Appoint another director first."),
            ));
        }
        if handling == Some(OpenTicketHandling::Refuse) {
            let today = actor.now.with_timezone(&actor.timezone).date_naive();
            let has_left =
                !profile.active || profile.contract_ends_on.is_some_and(|last_day| last_day < today);
            let level = profile.role.support_level().filter(|_| !has_left).unwrap_or(0);
            open_tickets::must_be_none_above(tx, user.id, level)?;
        }
        if !profile.active {
            links::remove(tx, user.id)?;
        }
        if !profile.active || moved {
            sessions::end_all(tx, user.id)?;
        }
        diesel::update(users::table.find(user.id))
            .set((
                users::email.eq(profile.email),
                users::role.eq(profile.role),
                users::granted_permissions.eq(once_each(profile.granted_permissions)),
                users::full_name.eq(profile.full_name),
                // Staff have seen the account.
                users::document_declared.eq(false),
                users::document_id.eq(profile.document_id),
                users::landline.eq(profile.contact.landline),
                users::extension.eq(profile.contact.extension),
                users::mobile.eq(profile.contact.mobile),
                users::unit_id.eq(profile.unit_id),
                users::locale.eq(profile.locale),
                users::active.eq(profile.active),
                users::contract_ends_on.eq(profile.contract_ends_on),
                users::staff_mail.eq(profile.staff_mail),
                next_version!(users, user.version, actor),
            ))
            .execute(tx)?;
        User::find(tx, user.id)?.answer()
    })
    .await
}

/// In the order of the enumeration, each once.
fn once_each(permissions: Vec<UserPermission>) -> Vec<UserPermission> {
    UserPermission::ALL.iter().copied().filter(|permission| permissions.contains(permission)).collect()
}

/// The password in the body of an account, with what is known of its owner; `None` if there is none, or if the
/// contract rejects its length.
pub fn password_of(account: &Value) -> Option<(String, Vec<String>)> {
    let password = account["password"].as_str()?;
    let length = password.chars().count();
    let known = ["email", "full_name", "document_id"].iter().filter_map(|name| account[*name].as_str());
    let allowed = (passwords::SHORTEST..=passwords::LONGEST).contains(&length);
    allowed.then(|| (password.to_owned(), passwords::words_of(known)))
}

/// Checks that a role is not above that of the caller.
///
/// # Errors
/// A 403 otherwise.
pub fn may_manage(actor: &Actor, role: Role) -> Result<()> {
    if actor.scope == PermissionScope::UpToOwnRole && role > actor.role {
        Err(Problem::forbidden())
    } else {
        Ok(())
    }
}

/// The language of messages to a user.
pub fn locale(db: &mut PgConnection, id: Uuid) -> Result<Locale> {
    Ok(users::table.find(id).select(users::locale).get_result(db)?)
}
