//! Removing a requester's personal data from the desk, as required by law.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::confirmation::Confirmation;
use super::erasure::Erasure;
use super::places;
use super::terms::Terms;
use crate::audit::kind::EventKind;
use crate::auth::policy::{Action, Role};
use crate::db::schema::{anonymizations, events, tickets, users};
use crate::http::{Answer, Body, Call};
use crate::jobs::removal;
use crate::people::Person;
use crate::people::user::User;
use crate::problem::{Code, Problem, Result, Text};
use crate::tickets::workflow::TicketStatus;

/// The reason of an anonymization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnonymizationCreate {
    /// The request and its legal basis, without the person's data. It remains on record.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"\S",
        example = "Solicitud de supresión, artículo 15 de la Ley 1581 de 2012"
    )]
    reason: String,
    /// The ids of terms of the preview that are removed from every text of the person's tickets, regardless of its
    /// author. Optional; none if omitted.
    #[schema(max_length = 16, max_items = 30, example = json!([]))]
    #[serde(rename = "term_ids")]
    terms: Option<Vec<String>>,
    /// The ids of places of the preview from which their term is removed. Optional; none if omitted.
    #[schema(max_length = 200, max_items = 1000, example = json!([]))]
    #[serde(rename = "place_ids")]
    places: Option<Vec<String>>,
}

/// The result of an anonymization.
#[derive(Serialize, ToSchema)]
pub struct Anonymization {
    /// Identifier of the anonymized account.
    user_id: Uuid,
    /// The time of the anonymization.
    anonymized_at: DateTime<Utc>,
    /// The person who carried it out.
    anonymized_by: Person,
    /// The request and its legal basis, as given with the anonymization.
    #[schema(max_length = 2000)]
    reason: String,
    /// The number of tickets of the person.
    #[schema(minimum = 0, example = 7)]
    #[serde(rename = "ticket_count")]
    tickets: i64,
    /// The number of events of those tickets from which data were removed.
    #[schema(minimum = 0, example = 2)]
    #[serde(rename = "redacted_event_count")]
    redacted_events: i64,
    /// The number of places of the preview, at most 1,000, in which the data remain because they were not confirmed;
    /// `null` for an anonymization older than the confirmation of places.
    #[schema(minimum = 0, maximum = 1000, example = 0)]
    #[serde(rename = "left_place_count")]
    left_places: Option<i64>,
}

impl Anonymization {
    pub fn find(db: &mut PgConnection, user_id: Uuid) -> Result<Option<Self>> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = BigInt)]
            tickets: i64,
            #[diesel(sql_type = BigInt)]
            redacted_events: i64,
        }
        let found: Option<(DateTime<Utc>, String, Option<i64>, Person)> = anonymizations::table
            .inner_join(users::table.on(users::id.eq(anonymizations::by)))
            .filter(anonymizations::user_id.eq(user_id))
            .select((
                anonymizations::at,
                anonymizations::reason,
                anonymizations::left_places,
                Person::as_select(),
            ))
            .first(db)
            .optional()?;
        let Some((anonymized_at, reason, left_places, anonymized_by)) = found else { return Ok(None) };
        let Counts { tickets, redacted_events } = diesel::sql_query(
            "SELECT count(*) AS tickets, \
                coalesce(sum((SELECT count(*) FROM events e WHERE e.ticket_id = t.id AND e.data_salt IS NULL)), 0)::bigint \
                    AS redacted_events \
             FROM tickets t WHERE t.requester_id = $1",
        )
        .bind::<SqlUuid, _>(user_id)
        .get_result(db)?;
        Ok(Some(Anonymization {
            user_id,
            anonymized_at,
            anonymized_by,
            reason,
            tickets,
            redacted_events,
            left_places,
        }))
    }
}

/// Anonymize a requester
///
/// For a request to have personal data erased (*habeas data*, Ley 1581 de 2012), within the limits of the entity's
/// duty to keep records: the tickets are kept without the identity of the requester. Names, addresses, document
/// numbers and telephones are removed from the account, from the requester's data of their tickets and from texts
/// that the requester wrote. From texts of others in those tickets, mail, articles and history they are removed if
/// their term or place in `GET /users/{user_id}/anonymization-preview` is confirmed by `term_ids` or `place_ids`;
/// `left_place_count` counts the places where they remain. Survey comments, files that the requester attached and mail
/// that the requester sent are removed completely, and so are the files of `POST /tickets/exports`. The account cannot sign in again. The history can still be verified:
/// an event from which data were removed is `redacted`. Statistics do not change. This cannot be undone.
///
/// Not allowed for staff and former staff who acted as such, because their actions remain on record, nor while the
/// person has a ticket that is neither closed nor archived. A repeated request returns the first result. Texts of
/// other people elsewhere, signed minutes, and backups do not change.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageRetention)), ("x-mesa-unversioned" = json!(true)), ("x-mesa-if-match" = json!(true))),
    tag = "personal data", operation_id = "anonymizeUser",
    params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    request_body = AnonymizationCreate,
    responses(
        (status = 200, body = Anonymization, description = "The result of the anonymization"),
        (status = 409, description = "`not_a_requester`, `has_open_tickets`"),
    )
)]
#[post("/users/{user_id}/anonymization")]
pub async fn anonymize(call: Call, id: Path<Uuid>, body: Body<AnonymizationCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let user = User::lock(tx, *id)?;
        let AnonymizationCreate { reason, terms: confirmed, places } = body.read()?;
        if Anonymization::find(tx, user.id)?.is_none() {
            actor.check_version(user.id, user.version)?;
            begin(tx, &user)?;
            removal::remove_exports(tx)?;
            let terms = Terms::load(tx, user.id)?;
            let places = places.unwrap_or_default();
            let confirmation = Confirmation::read(&terms, confirmed.unwrap_or_default(), &places)?;
            let (found, _) = places::find(tx, user.id, &terms)?;
            let left = found.iter().filter(|place| !confirmation.removes(place)).count();
            let left = i64::try_from(left).map_err(Problem::internal)?;
            Erasure::new(actor, &user, &terms, &confirmation).carry_out(tx, &reason, left)?;
        }
        let done = Anonymization::find(tx, user.id)?.ok_or_else(Problem::not_found)?;
        Answer::ok(&done)
    })
    .await
}

/// # Errors
/// [`Code::NotARequester`] if the person is staff, or acted as such.
pub fn check_requester(db: &mut PgConnection, user: &User) -> Result<()> {
    // Regardless of the current role: a person who acted in the tickets of others did so as staff.
    let acted = |db: &mut PgConnection| {
        diesel::select(diesel::dsl::exists(
            events::table
                .inner_join(tickets::table.on(tickets::id.eq(events::ticket_id)))
                .filter(events::actor_id.eq(user.id))
                .filter(tickets::requester_id.ne(user.id))
                .filter(events::kind.ne(EventKind::FollowupAdded)),
        ))
        .get_result::<bool>(db)
    };
    if user.role != Role::Requester || acted(db)? {
        return Err(Problem::new(
            Code::NotARequester,
            Text::new(
                "Las actuaciones del personal se conservan en el registro.",
                "The actions of staff remain on record.",
            ),
        ));
    }
    Ok(())
}

/// Locks the tickets of the person until the end of the transaction.
fn begin(tx: &mut PgConnection, user: &User) -> Result<()> {
    check_requester(tx, user)?;
    let states: Vec<TicketStatus> = tickets::table
        .filter(tickets::requester_id.eq(user.id))
        .order(tickets::id)
        .select(tickets::status)
        .for_update()
        .load(tx)?;
    if states.iter().any(|status| !matches!(status, TicketStatus::Closed | TicketStatus::Archived)) {
        return Err(Problem::new(
            Code::HasOpenTickets,
            Text::new("Primero cierre o archive sus solicitudes.", "Close or archive their tickets first."),
        ));
    }
    Ok(())
}
