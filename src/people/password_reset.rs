//! Staff can have a password link mailed to a person, but cannot set another person's password.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use uuid::Uuid;

use crate::account::attempts;
use crate::account::audit::record_account_event;
use crate::audit::log::AuditKind;
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::{Answer, Body, Call};
use crate::outbox::{self, MessageKind};
use crate::people::user::User;
use crate::people::users;
use crate::problem::{Code, Problem, Result, Text};

/// Mail a link to set a password
///
/// Mails a one-time link to the person's own address: to set a new password, valid for 60 minutes, or, if the account
/// has no password yet, an invitation to set the first one, valid for 7 days. It replaces the link mailed before. The
/// current password and sessions remain valid until the link is used. Not allowed for a person whose role is above
/// that of the caller.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "users", operation_id = "sendUserPasswordLink", params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 202, description = "The mail is queued for sending"),
        (status = 409, description = "`wrong_state`: the person is not active; `no_email_address`: the person has no address"),
        (status = 429, description = "`too_many_attempts`: after ten links to one address in a day, each further one must wait; or `too_many_requests`"),
    )
)]
#[post("/users/{user_id}/password-reset")]
pub async fn send(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let user = User::lock(tx, *id)?;
        users::may_manage(actor, user.role)?;
        body.read()?;
        if !user.active {
            return Err(Problem::wrong_state("inactive"));
        }
        if !user.has_email {
            return Err(Problem::new(
                Code::NoEmailAddress,
                Text::new(
                    "Registre antes un correo de la persona.",
                    "Record an address of the person first.",
                ),
            ));
        }
        attempts::count_link_by_staff(tx, &user.email)?;
        match user.can_sign_in {
            true => {
                outbox::queue_about_accounts(tx, MessageKind::PasswordReset, &[user.id], actor.now)?;
                record_account_event(tx, AuditKind::PasswordResetRequested, user.id, Some(actor.id))?;
            }
            false => invite(tx, user.id, actor.id)?,
        }
        Ok(Answer::accepted())
    })
    .await
}

/// Queues the invitation for an account without a password.
pub fn invite(tx: &mut PgConnection, user_id: Uuid, actor_id: Uuid) -> Result<()> {
    let now = crate::db::now(tx)?;
    outbox::queue_about_accounts(tx, MessageKind::Invitation, &[user_id], now)?;
    record_account_event(tx, AuditKind::Invited, user_id, Some(actor_id))
}
