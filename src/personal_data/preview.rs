//! What making a requester anonymous would take out of texts, shown beforehand.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::anonymization::{self, Anonymization};
use super::places::{self, Place};
use super::terms::{Term, Terms};
use crate::auth::policy::Action;
use crate::http::{Answer, Call};
use crate::people::user::User;
use crate::problem::Result;

/// The data of a requester that are looked for, and where they stand.
#[derive(Serialize, ToSchema)]
pub struct AnonymizationPreview {
    user_id: Uuid,
    /// What is looked for, that of the account first.
    #[schema(max_items = 30)]
    terms: Vec<Term>,
    /// How many more data their tickets say that are not looked for: at most 30 are, of 1,000 characters together, those of the
    /// account and of the latest tickets first.
    #[schema(minimum = 0, example = 0)]
    terms_left_out: usize,
    /// Where they stand, by ticket.
    #[schema(max_items = 1000)]
    places: Vec<Place>,
    /// Whether `places` are all. There are at most 1,000 in it; what is beyond is confirmed by its term.
    complete: bool,
}

/// Preview the anonymization of a requester
///
/// Shows what `POST /users/{user_id}/anonymization` looks for and every text in which it stands: the current and former
/// e-mail addresses, document numbers and telephones (each as a whole, however its digits are grouped) and the full names (as a
/// whole, however accented and spaced) of the account and of the requester's tickets. What is shorter than five characters, a
/// document number of fewer than five digits and a telephone of fewer than seven are not looked for. A requester chooses these
/// data themselves, so that a "name" may be any words that staff wrote: from texts that the requester wrote they are removed in
/// any case (`removed_by_default`), from others only where the director confirms the term or the place.
///
/// Nothing is changed or locked. Not for staff (`not_a_requester`). Of a requester who is anonymous already nothing is listed.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention)), ("x-mesa-unversioned" = json!(true))),
    tag = "retention", operation_id = "previewAnonymization", params(("user_id" = Uuid, Path)),
    responses(
        (status = 200, body = AnonymizationPreview),
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
