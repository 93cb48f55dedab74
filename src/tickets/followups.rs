//! Activity 6: followups, public or private.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::information::{self, AnsweredBy};
use super::model::TicketRow;
use super::permitted;
use super::steps::Case;
use super::store;
use super::workflow::Step;
use crate::attachments;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{followups, users};
use crate::http::body::EmptyBody;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::outbox::MessageKind;
use crate::people::Person;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// Who may read a followup.
    pub enum FollowupVisibility {
        /// The requester, who receives it by mail, and staff.
        Public = "public",
        /// Staff only.
        Private = "private",
    }
}

/// An entry of the case.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Followup {
    /// Identifier of the followup.
    pub id: Uuid,
    /// Number of the ticket.
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// The person who wrote it.
    author: Person,
    /// Who may read it.
    visibility: FollowupVisibility,
    /// The text.
    #[schema(max_length = 20_000, example = "Vamos a su oficina esta tarde.")]
    body: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// For a followup that came by mail: whether the entity's mail server did not verify that its author wrote it.
    /// `null` for a followup that did not come by mail.
    #[schema(example = json!(null))]
    unverified: Option<bool>,
    /// Identifier of the private followup that this one made public. Visible to staff only; omitted for other
    /// followups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    #[serde(rename = "source_followup_id")]
    published_from: Option<Uuid>,
    /// Whether the requester of the ticket can see it: a public followup, or one that a person in copy sent to the requester
    /// too.
    #[schema(example = true)]
    visible_to_requester: bool,
    /// Whether it came by mail from a person in copy, who is neither the requester nor staff. It is `private` until staff
    /// or the requester publish it; a requester sees it only if the person sent it to the requester too.
    #[schema(example = false)]
    from_copy: bool,
    /// Whether quoted text was left out of a message that came by mail: show `[…]` below the text. The whole message is at
    /// `GET /tickets/{ticket_id}/followups/{followup_id}/original`, for staff and the author.
    #[schema(example = false)]
    #[serde(rename = "shortened")]
    is_cut: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = followups)]
struct Row {
    id: Uuid,
    ticket_id: i64,
    visibility: FollowupVisibility,
    body: String,
    created_at: DateTime<Utc>,
    unverified: Option<bool>,
    published_from: Option<Uuid>,
    from_copy: bool,
    /// A person in copy sent it to the requester too.
    to_requester: bool,
    is_cut: bool,
}

/// A text that came by mail.
pub struct Mailed {
    pub body: String,
    /// Quoted text was left out.
    pub is_cut: bool,
}

/// Why a followup that came by mail is private.
#[derive(Clone, Copy, PartialEq)]
pub enum Reserved {
    /// Its author's own ticket was merged into this one, or staff answer the notice of a private followup.
    Merged,
    /// Its author was in copy.
    Copy {
        /// They sent it to the requester too.
        to_requester: bool,
    },
}

impl Row {
    fn new(case: &Case<'_>, visibility: FollowupVisibility, body: String) -> Self {
        Row {
            id: Uuid::now_v7(),
            ticket_id: case.ticket.id,
            visibility,
            body,
            created_at: case.now,
            unverified: None,
            published_from: None,
            from_copy: false,
            to_requester: false,
            is_cut: false,
        }
    }

    fn is_visible_to(&self, actor: &Actor) -> bool {
        actor.is_staff() || self.visibility == FollowupVisibility::Public || self.to_requester
    }
}

impl Followup {
    fn shown_to(actor: &Actor, (row, author): (Row, Person)) -> Self {
        Followup {
            id: row.id,
            ticket_id: row.ticket_id,
            author,
            visibility: row.visibility,
            body: row.body,
            created_at: row.created_at,
            unverified: row.unverified,
            published_from: row.published_from.filter(|_| actor.is_staff()),
            visible_to_requester: row.visibility == FollowupVisibility::Public || row.to_requester,
            from_copy: row.from_copy,
            is_cut: row.is_cut,
        }
    }

    /// The followup of this ticket, if the caller may see it.
    fn find(db: &mut PgConnection, actor: &Actor, ticket_id: i64, id: Uuid) -> Result<Self> {
        let found: (Row, Person) = followups::table
            .inner_join(users::table)
            .filter(followups::id.eq(id))
            .filter(followups::ticket_id.eq(ticket_id))
            .select((Row::as_select(), Person::as_select()))
            .first(db)?;
        if !found.0.is_visible_to(actor) {
            return Err(Problem::not_found());
        }
        Ok(Self::shown_to(actor, found))
    }

    fn made(&self) -> Result<Answer> {
        Ok(Answer::created(format!("/api/v1/tickets/{}/followups/{}", self.ticket_id, self.id), self)?
            .version(self.id, 1))
    }
}

/// The visibility of a followup of this ticket that the caller may see.
///
/// # Errors
/// A 404 if there is none.
pub fn visible(db: &mut PgConnection, actor: &Actor, ticket_id: i64, id: Uuid) -> Result<FollowupVisibility> {
    Ok(Followup::find(db, actor, ticket_id, id)?.visibility)
}

/// The same, for a file to attach.
///
/// # Errors
/// A 409 for what a person in copy wrote: nothing is added to it, because its requester may see it.
pub fn open_to_files(
    db: &mut PgConnection,
    actor: &Actor,
    ticket_id: i64,
    id: Uuid,
) -> Result<FollowupVisibility> {
    let followup = Followup::find(db, actor, ticket_id, id)?;
    if followup.from_copy { Err(Problem::wrong_state("from_copy")) } else { Ok(followup.visibility) }
}

/// The followups with these ids that the caller may see.
pub fn by_ids(db: &mut PgConnection, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Followup>> {
    let found = followups::table.inner_join(users::table).filter(followups::id.eq_any(ids));
    let rows: Vec<(Row, Person)> = found.select((Row::as_select(), Person::as_select())).load(db)?;
    Ok(rows.into_iter().map(|found| Followup::shown_to(actor, found)).collect())
}

/// A followup to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowupCreate {
    /// A requester may only add `public` followups.
    visibility: FollowupVisibility,
    /// The text of the followup.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Vamos a su oficina esta tarde."
    )]
    body: String,
}

/// Filters for the list of followups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FollowupFilters {
    /// Only followups with this visibility; all that the caller may read if omitted.
    visibility: Option<FollowupVisibility>,
}

/// List the followups of a ticket
///
/// In the order of their creation. A requester sees the public ones, and those that a person in copy sent to them too
/// (`from_copy`) until they are published.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "followups", operation_id = "listTicketFollowups",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging, FollowupFilters),
    responses((status = 200, body = Page<Followup>, description = "One page of the followups"))
)]
#[get("/tickets/{ticket_id}/followups")]
pub async fn list(call: Call, id: Path<i64>, query: Query<FollowupFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let mut query = followups::table
                .inner_join(users::table)
                .filter(followups::ticket_id.eq(ticket.id))
                .into_boxed();
            if !actor.is_staff() {
                let public = followups::visibility.eq(FollowupVisibility::Public);
                let unpublished = sql::<Bool>(
                    "NOT EXISTS (SELECT FROM followups AS copy WHERE copy.published_from = followups.id)",
                );
                query = query.filter(public.or(followups::to_requester.and(unpublished)));
            }
            if let Some(visibility) = filters.visibility {
                query = query.filter(followups::visibility.eq(visibility));
            }
            query
        };
        let (rows, total) = read_page!(
            db,
            paging,
            "created_at",
            filtered,
            (followups::created_at as DateTime<Utc>, followups::id as Uuid),
            (Row::as_select(), Person::as_select())
        );
        let items: Vec<Followup> = rows.into_iter().map(|found| Followup::shown_to(actor, found)).collect();
        paging.answer("created_at", items, total, |followup| (followup.created_at, followup.id))
    })
    .await
}

/// Read a followup of a ticket
///
/// A private followup is a 404 for a requester.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "followups", operation_id = "getTicketFollowup",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    responses((status = 200, body = Followup, description = "The followup"))
)]
#[get("/tickets/{ticket_id}/followups/{followup_id}")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, path.0)?;
        // A followup never changes.
        Ok(Answer::ok(&Followup::find(db, actor, ticket.id, path.1)?)?.version(path.1, 1))
    })
    .await
}

/// Add a followup to a ticket
///
/// A public followup is mailed to the requester, or to the assignee if the requester wrote it. A private followup is
/// visible to staff only; nothing that a requester can see changes. A public followup by the requester ends the hold
/// of a ticket that is `on_hold` for information from the requester.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::AddPublicFollowup))),
    tag = "followups", operation_id = "createTicketFollowup", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = FollowupCreate,
    responses(
        (status = 201, body = Followup, description = "The new followup"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"),
    )
)]
#[post("/tickets/{ticket_id}/followups")]
pub async fn add(call: Call, id: Path<i64>, body: Body<FollowupCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = store::lock(tx, actor, *id)?;
        let FollowupCreate { visibility, body } = body.read()?;
        if visibility == FollowupVisibility::Private && !actor.is_staff() {
            return Err(Problem::forbidden());
        }
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Followup)?;
        write_and_tell(tx, actor, row, visibility, Mailed { body, is_cut: false }, true)?.made()
    })
    .await
}

/// Writes a followup by the caller to a ticket whose row is locked. If it is public and `tells` is set, a message is
/// queued for the other side; a followup by the requester ends the wait for information.
pub fn write_and_tell(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    visibility: FollowupVisibility,
    words: Mailed,
    tells: bool,
) -> Result<Followup> {
    let mut case = Case::open(tx, row, actor);
    let followup = Row {
        unverified: actor.mail.map(|mail| mail.unverified),
        is_cut: words.is_cut,
        ..Row::new(&case, visibility, words.body)
    };
    case.note_mail(actor);
    write(&mut case, actor.id, &followup)?;
    if tells {
        notify(&mut case, actor.id, &followup);
    }
    let row = case.record(EventKind::FollowupAdded)?;
    if visibility == FollowupVisibility::Public {
        information::answered(tx, row, actor, AnsweredBy::Followup, tells)?;
    }
    Ok(Followup::shown_to(actor, (followup, actor.person())))
}

/// Writes a private followup that came by mail. Tells its assignee if `tells` is set. The ticket's row must be locked.
pub fn write_reserved(
    tx: &mut PgConnection,
    actor: &Actor,
    row: TicketRow,
    (words, reserved): (Mailed, Reserved),
    tells: bool,
) -> Result<Followup> {
    let mut case = Case::open(tx, row, actor);
    let followup = Row {
        unverified: actor.mail.map(|mail| mail.unverified),
        is_cut: words.is_cut,
        from_copy: matches!(reserved, Reserved::Copy { .. }),
        to_requester: reserved == Reserved::Copy { to_requester: true },
        ..Row::new(&case, FollowupVisibility::Private, words.body)
    };
    case.note_mail(actor);
    write(&mut case, actor.id, &followup)?;
    if let Some(assignee) = case.ticket.assignee_id.filter(|assignee| tells && *assignee != actor.id) {
        case.notify(MessageKind::Followup, assignee, json!({"followup_id": followup.id, "private": true}));
    }
    case.record(EventKind::FollowupAdded)?;
    Ok(Followup::shown_to(actor, (followup, actor.person())))
}

/// Publish a private followup
///
/// Writes a public followup with the same text and files, dated now, and mails it to the requester, or to the assignee
/// if the requester publishes it. A requester can publish only what a person in copy sent to them too (`from_copy`). It
/// cannot be undone.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::AddPublicFollowup))),
    tag = "followups", operation_id = "publishTicketFollowup",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 201, body = Followup, description = "The public followup"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `already_exists`: the followup is public, or was made public before"),
    )
)]
#[post("/tickets/{ticket_id}/followups/{followup_id}/publication")]
pub async fn publish(call: Call, path: Path<(i64, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = store::lock(tx, actor, path.0)?;
        let private = Followup::find(tx, actor, row.id, path.1)?;
        body.read()?;
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Followup)?;
        let published = followups::table.filter(followups::published_from.eq(private.id));
        let known: bool = diesel::select(diesel::dsl::exists(published)).get_result(tx)?;
        if private.visibility == FollowupVisibility::Public || known {
            let mut problem = Problem::new(
                Code::AlreadyExists,
                Text::new("Este seguimiento ya es público.", "This followup is already public."),
            );
            problem.errors.push(FieldError::new(
                "",
                FieldCode::Duplicate,
                Text::new("Ya es público.", "It is already public."),
            ));
            return Err(problem);
        }
        let mut case = Case::open(tx, row, actor);
        let followup = Row {
            published_from: Some(private.id),
            is_cut: private.is_cut,
            ..Row::new(&case, FollowupVisibility::Public, private.body)
        };
        write(&mut case, private.author.id, &followup)?;
        let publisher = if actor.is_staff() { private.author.id } else { actor.id };
        notify(&mut case, publisher, &followup);
        attachments::store::copy(case.tx, followup.ticket_id, private.id, followup.id, case.now)?;
        let answer = Followup::shown_to(actor, (followup, private.author)).made()?;
        case.record(EventKind::FollowupPublished)?;
        Ok(answer)
    })
    .await
}

/// Writes a public followup that belongs to a step. No message is queued for it, because the message of the step
/// includes it. Returns its id.
pub fn write_public(case: &mut Case<'_>, author_id: Uuid, body: String) -> Result<Uuid> {
    let row = Row::new(case, FollowupVisibility::Public, body);
    write(case, author_id, &row)?;
    Ok(row.id)
}

fn write(case: &mut Case<'_>, author_id: Uuid, row: &Row) -> Result<()> {
    diesel::insert_into(followups::table)
        .values((
            followups::id.eq(row.id),
            followups::ticket_id.eq(row.ticket_id),
            followups::author_id.eq(author_id),
            followups::visibility.eq(row.visibility),
            followups::body.eq(&row.body),
            followups::created_at.eq(row.created_at),
            followups::unverified.eq(row.unverified),
            followups::published_from.eq(row.published_from),
            followups::from_copy.eq(row.from_copy),
            followups::to_requester.eq(row.to_requester),
            followups::is_cut.eq(row.is_cut),
        ))
        .execute(case.tx)?;
    case.details.followup_id = Some(row.id);
    case.details.visibility = Some(row.visibility);
    if row.visibility == FollowupVisibility::Public {
        case.touch();
    }
    Ok(())
}

/// Queues a public followup for the requester, or for the assignee if the requester wrote it.
fn notify(case: &mut Case<'_>, author_id: Uuid, row: &Row) {
    if row.visibility == FollowupVisibility::Private {
        return;
    }
    let data = json!({"followup_id": row.id});
    if author_id != case.ticket.requester_id {
        case.notify(MessageKind::Followup, case.ticket.requester_id, data);
    } else if let Some(assignee) = case.ticket.assignee_id {
        case.notify(MessageKind::Followup, assignee, data);
    }
}
