//! Requests for a link after a password was forgotten, whether the address has an account or not.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account::attempts;
use crate::account::audit::record_account_event;
use crate::audit::log::AuditKind;
use crate::db::lower;
use crate::db::schema::{password_reset_requests as requests, users};
use crate::http::desk::Desk;
use crate::http::{Answer, Body, ClientAddress};
use crate::outbox::{self, MessageKind};
use crate::problem::Result;

/// How many requests are processed in one transaction.
const AT_ONCE: i64 = 20;

/// The account whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// The address of the account; upper and lower case are the same.
    #[schema(example = "requester@mesa.test", min_length = 1, max_length = 254)]
    email: String,
}

/// Request a link to set a new password
///
/// If the address has an active account, a link is mailed to it within seconds. The link is valid for 60 minutes, for
/// one use, and replaces the one requested before. A person whose account was created from received mail gets the
/// first password this way. The response and its time are the same if there is no such account.
///
/// After three requests for one address from one network, ten for one address, or thirty from one network, each
/// further request doubles the wait before the next, up to fifteen minutes.
#[utoipa::path(
    tag = "auth", operation_id = "requestPasswordReset", request_body = PasswordResetRequest,
    responses(
        (status = 202, description = "Accepted, whether there is such an account or not"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/password-reset")]
pub async fn request(
    desk: Data<Desk>,
    from: ClientAddress,
    body: Body<PasswordResetRequest>,
) -> Result<HttpResponse> {
    let PasswordResetRequest { email } = body.read()?;
    // The account is looked up later: a lookup in this request would reveal by its time whether the account exists.
    let keep = move |db: &mut PgConnection| {
        db.transaction(|tx| {
            attempts::count_link_request(tx, &email, from)?;
            diesel::insert_into(requests::table)
                .values((
                    requests::id.eq(Uuid::now_v7()),
                    requests::email.eq(email),
                    requests::requested_at.eq(diesel::dsl::now),
                ))
                .execute(tx)?;
            Ok(())
        })
    };
    desk.db.run(keep).await?;
    Ok(Answer::accepted().respond(None, ("", "")))
}

#[derive(QueryableByName)]
struct Request {
    #[diesel(sql_type = diesel::sql_types::Text)]
    email: String,
}

/// Queues a message for each request whose address has an active account, and removes the requests; returns how many
/// there were. Copies of the server that process at the same time take different requests.
pub fn process(db: &mut PgConnection) -> Result<usize> {
    db.transaction(|tx| {
        let taken: Vec<Request> = diesel::sql_query(
            "DELETE FROM password_reset_requests WHERE id IN ( \
                 SELECT id FROM password_reset_requests ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) \
             RETURNING email",
        )
        .bind::<BigInt, _>(AT_ONCE)
        .load(tx)?;
        if taken.is_empty() {
            return Ok(0);
        }
        let emails = taken.iter().map(|taken| taken.email.to_lowercase());
        let accounts: Vec<Uuid> = users::table
            .filter(lower(users::email).eq_any(emails))
            .filter(users::active)
            .select(users::id)
            .load(tx)?;
        let now = crate::db::now(tx)?;
        outbox::queue_about_accounts(tx, MessageKind::PasswordReset, &accounts, now)?;
        for account in &accounts {
            record_account_event(tx, AuditKind::PasswordResetRequested, *account, None)?;
        }
        Ok(taken.len())
    })
}

/// Removes the requests of this address that are not processed yet.
pub fn remove(tx: &mut PgConnection, email: &str) -> Result<()> {
    let of_address = requests::table.filter(lower(requests::email).eq(email.to_lowercase()));
    diesel::delete(of_address).execute(tx)?;
    Ok(())
}
