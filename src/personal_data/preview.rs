//! A preview of the texts that an anonymization would change.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::anonymization::{self, Anonymization};
use super::places::{self, AnonymizationPlace};
use super::terms::{AnonymizationTerm, Terms};
use crate::auth::policy::Action;
use crate::http::{Answer, Call};
use crate::people::user::User;
use crate::problem::Result;

/// The data of a requester that are searched for, and the places where they occur.
#[derive(Serialize, ToSchema)]
pub struct AnonymizationPreview {
    /// Identifier of the requester's account.
    user_id: Uuid,
    /// The terms that are searched for, those of the account first.
    #[schema(max_items = 30)]
    terms: Vec<AnonymizationTerm>,
    /// The number of further data in their tickets that are not searched for: the limit is 30 terms, with 1,000
    /// characters together, those of the account and of the latest tickets first.
    #[schema(minimum = 0, example = 0)]
    #[serde(rename = "omitted_term_count")]
    terms_left_out: usize,
    /// The places where the terms occur, by ticket.
    #[schema(max_items = 1000)]
    places: Vec<AnonymizationPlace>,
    /// Whether `places` is complete. It has at most 1,000 entries; further places can only be confirmed by their
    /// term.
    complete: bool,
}

/// Preview the anonymization of a requester
///
/// Shows the data that `POST /users/{user_id}/anonymization` searches for, and every text that contains them: the
/// current and former e-mail addresses, document numbers and telephones (each as a whole, with any grouping of its
/// digits) and the full names (as a whole, with any accents and spacing) of the account and of the requester's
/// tickets. Texts shorter than five characters, document numbers with fewer than five digits and telephones with
/// fewer than seven are not searched for. Requesters choose these data themselves, so that a "name" may be any words
/// that staff wrote: they are always removed from texts that the requester wrote (`removed_by_default`), but from
/// other texts only if the director confirms the term or the place.
///
/// Nothing is changed or locked. Not allowed for staff (`not_a_requester`). The lists are empty for a requester who
/// is already anonymous.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention)), ("x-mesa-unversioned" = json!(true))),
    tag = "personal data", operation_id = "previewUserAnonymization",
    params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    responses(
        (status = 200, body = AnonymizationPreview, description = "The data that are searched for, and the places where they occur"),
        (status = 409, description = "`not_a_requester`"),
    )
)]
#[get("/users/{user_id}/anonymization-preview")]
pub async fn preview(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let user = User::find(db, *id)?;
        let terms = match Anonymization::find(db, user.id)? {
            Some(_) => Terms::default(),
            None => {
                anonymization::check_requester(db, &user)?;
                Terms::load(db, user.id)?
            }
        };
        let (places, complete) = places::find(db, user.id, &terms)?;
        Answer::ok(&AnonymizationPreview {
            user_id: user.id,
            terms: terms.all,
            terms_left_out: terms.left_out,
            places,
            complete,
        })
    })
    .await
}
