//! Relations between tickets.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::merged;
use super::model::TicketRow;
use super::steps::Case;
use super::store;
use super::workflow::TicketStatus;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::ticket_relations;
use crate::http::body::EmptyBody;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::people::{Person, person};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// The relation of a ticket to another one.
    pub enum RelationKind {
        /// Both are about the same matter, and the other ticket is attended.
        DuplicateOf = "duplicate_of",
        /// Both are about the same matter, and this ticket is attended.
        DuplicatedBy = "duplicated_by",
        /// The other ticket is its cause.
        CausedBy = "caused_by",
        /// It is the cause of the other ticket.
        CauseOf = "cause_of",
        /// The other ticket is part of it; solving this one with `solve_children` can solve the other one as well.
        ParentOf = "parent_of",
        /// It is part of the other ticket.
        ChildOf = "child_of",
        /// It continues the other ticket, which has ended.
        Continues = "continues",
        /// The other ticket continues it.
        ContinuedBy = "continued_by",
    }
}

impl RelationKind {
    /// The same relation as seen from the other end.
    pub fn inverse(self) -> Self {
        use RelationKind::*;
        match self {
            DuplicateOf => DuplicatedBy,
            DuplicatedBy => DuplicateOf,
            CausedBy => CauseOf,
            CauseOf => CausedBy,
            ParentOf => ChildOf,
            ChildOf => ParentOf,
            Continues => ContinuedBy,
            ContinuedBy => Continues,
        }
    }

    /// Whether it is stored under this name; otherwise its inverse is stored, with the ends swapped.
    fn is_kept(self) -> bool {
        use RelationKind::*;
        matches!(self, DuplicateOf | CausedBy | ParentOf | Continues)
    }
}

/// A ticket at the other end of a relation.
#[derive(Serialize, ToSchema)]
pub struct RelatedTicket {
    /// Number of the other ticket.
    #[schema(example = 124, minimum = 1)]
    id: i64,
    /// The subject of the other ticket.
    #[schema(max_length = 200, example = "Sin red en el piso 3")]
    subject: String,
    /// The current state of the other ticket.
    status: TicketStatus,
}

/// A relation of the ticket in the path to another ticket.
#[derive(Serialize, ToSchema)]
pub struct Relation {
    /// Identifier of the relation. It is the same from both tickets.
    id: Uuid,
    /// The relation of the ticket in the path to the other one.
    kind: RelationKind,
    /// The other ticket.
    ticket: RelatedTicket,
    /// The person who recorded the relation.
    created_by: Option<Person>,
    /// When the relation was recorded.
    created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlText)]
    kind: RelationKind,
    #[diesel(sql_type = Bool)]
    from_here: bool,
    #[diesel(sql_type = BigInt)]
    other_id: i64,
    #[diesel(sql_type = SqlText)]
    subject: String,
    #[diesel(sql_type = SqlText)]
    status: TicketStatus,
    #[diesel(sql_type = SqlUuid)]
    created_by: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl Row {
    fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Relation>> {
        let people = person::by_id(db, rows.iter().map(|row| row.created_by))?;
        let relation = |row: Row| Relation {
            id: row.id,
            kind: if row.from_here { row.kind } else { row.kind.inverse() },
            ticket: RelatedTicket { id: row.other_id, subject: row.subject, status: row.status },
            created_by: people.get(&row.created_by).cloned(),
            created_at: row.created_at,
        };
        Ok(rows.into_iter().map(relation).collect())
    }
}

/// A relation to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationCreate {
    /// The relation of the ticket in the path to the other one.
    kind: RelationKind,
    /// Number of the other ticket.
    #[schema(minimum = 1, example = 124)]
    ticket_id: i64,
}

/// The relations of a ticket from both ends. Each end is read in order by its index; a requester sees only those
/// whose other end is their own ticket too.
const BOTH_ENDS: &str = "\
    (SELECT r.id, r.kind, true AS from_here, r.related_id AS other_id, t.subject, t.status, r.created_by, r.created_at \
     FROM ticket_relations r JOIN tickets t ON t.id = r.related_id \
     WHERE r.ticket_id = $1 AND ($2 IS NULL OR t.requester_id = $2) \
       AND (cardinality($6) = 0 OR t.requester_unit_id = ANY ($6)) AND (cardinality($7) = 0 OR t.category_id = ANY ($7)) \
       AND ($3 IS NULL OR (r.created_at >= $3 AND (r.created_at > $3 OR r.id > $4))) \
     ORDER BY r.created_at, r.id LIMIT $5) \
    UNION ALL \
    (SELECT r.id, r.kind, false, r.ticket_id, t.subject, t.status, r.created_by, r.created_at \
     FROM ticket_relations r JOIN tickets t ON t.id = r.ticket_id \
     WHERE r.related_id = $1 AND ($2 IS NULL OR t.requester_id = $2) \
       AND (cardinality($6) = 0 OR t.requester_unit_id = ANY ($6)) AND (cardinality($7) = 0 OR t.category_id = ANY ($7)) \
       AND ($3 IS NULL OR (r.created_at >= $3 AND (r.created_at > $3 OR r.id > $4))) \
     ORDER BY r.created_at, r.id LIMIT $5)";

/// List the relations of a ticket
///
/// From both ends, named as seen from this ticket, the oldest first. A requester sees only those between their own
/// tickets.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "tickets", operation_id = "listTicketRelations", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Relation>, description = "One page of the relations"))
)]
#[get("/tickets/{ticket_id}/relations")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let after = paging.after::<DateTime<Utc>, Uuid>("created_at")?;
        let total = if paging.with_total { Some(count(db, ticket.id, actor)?) } else { None };
        let page = diesel::sql_query(format!("{BOTH_ENDS} ORDER BY created_at, id LIMIT $5"));
        let rows = bound(page, ticket.id, actor, after, paging.rows()).load(db)?;
        let items = Row::present(db, rows)?;
        paging.answer("created_at", items, total, |relation| (relation.created_at, relation.id))
    })
    .await
}

fn count(db: &mut PgConnection, ticket_id: i64, actor: &Actor) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted = diesel::sql_query(format!("SELECT count(*) FROM ({BOTH_ENDS}) AS relations"));
    let Count { count } = bound(counted, ticket_id, actor, None, i64::MAX).get_result(db)?;
    Ok(count)
}

type Bound = BoxedSqlQuery<'static, Pg, SqlQuery>;

fn bound(
    query: SqlQuery,
    ticket_id: i64,
    actor: &Actor,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Bound {
    query
        .into_boxed::<Pg>()
        .bind::<BigInt, _>(ticket_id)
        .bind::<Nullable<SqlUuid>, _>((!actor.is_staff()).then_some(actor.id))
        .bind::<Nullable<Timestamptz>, _>(after.map(|(at, _)| at))
        .bind::<Nullable<SqlUuid>, _>(after.map(|(_, id)| id))
        .bind::<BigInt, _>(limit)
        .bind::<Array<SqlUuid>, _>(actor.limit.unit_ids.clone())
        .bind::<Array<SqlUuid>, _>(actor.limit.category_ids.clone())
}

/// A relation of the ticket `$1`, from either end. A requester, `$3`, sees only those whose other end is their own
/// ticket too.
const ONE: &str = "\
    SELECT r.id, r.kind, r.ticket_id = $1 AS from_here, t.id AS other_id, t.subject, t.status, r.created_by, r.created_at \
    FROM ticket_relations r \
    JOIN tickets t ON t.id = CASE WHEN r.ticket_id = $1 THEN r.related_id ELSE r.ticket_id END \
    WHERE r.id = $2 AND $1 IN (r.ticket_id, r.related_id) AND ($3 IS NULL OR t.requester_id = $3) \
      AND (cardinality($4) = 0 OR t.requester_unit_id = ANY ($4)) AND (cardinality($5) = 0 OR t.category_id = ANY ($5))";

/// Read a relation of a ticket
///
/// From either end, named as seen from the ticket in the path. For a requester, a relation to the ticket of another
/// requester is a 404.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "tickets", operation_id = "getTicketRelation",
    params(
        ("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket at either end."),
        ("relation_id" = Uuid, Path, description = "Identifier of the relation; a 404 if neither end is this ticket."),
    ),
    responses((status = 200, body = Relation, description = "The relation"))
)]
#[get("/tickets/{ticket_id}/relations/{relation_id}")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (ticket_id, id) = path.into_inner();
        let ticket = store::visible(db, actor, ticket_id)?;
        let theirs = (!actor.is_staff()).then_some(actor.id);
        let row: Row = diesel::sql_query(ONE)
            .bind::<BigInt, _>(ticket.id)
            .bind::<SqlUuid, _>(id)
            .bind::<Nullable<SqlUuid>, _>(theirs)
            .bind::<Array<SqlUuid>, _>(&actor.limit.unit_ids)
            .bind::<Array<SqlUuid>, _>(&actor.limit.category_ids)
            .get_result(db)?;
        let relation = Row::present(db, vec![row])?.pop().ok_or_else(Problem::not_found)?;
        // A relation never changes; the tag depends on the other ticket too.
        Ok(Answer::ok(&relation)?.version(id, 1))
    })
    .await
}

/// Relate a ticket to another
///
/// `kind` is the relation of this ticket to the other one; the other ticket shows the inverse. Both tickets get an
/// event, and may be in any state. A ticket may have many relations, and two tickets may have one relation of each
/// kind.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "createTicketRelation", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = RelationCreate,
    responses(
        (status = 201, body = Relation, description = "The new relation"),
        (status = 409, description = "`already_exists`: the relation exists; `circular_relation`: relations of this kind already lead from the other ticket to this one"),
    )
)]
#[post("/tickets/{ticket_id}/relations")]
pub async fn relate(call: Call, id: Path<i64>, body: Body<RelationCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        store::visible(tx, actor, *id)?;
        let RelationCreate { kind, ticket_id } = body.read()?;
        let (row, other) = both(tx, actor, *id, ticket_id, "/ticket_id")?;
        actor.check_version(row.id, row.version)?;
        let relation = Relation {
            id: Uuid::now_v7(),
            kind,
            ticket: RelatedTicket { id: other.id, subject: other.subject.clone(), status: other.status },
            created_by: Some(actor.person()),
            created_at: actor.now.max(row.updated_at).max(other.updated_at),
        };
        let ends = if kind.is_kept() { (row.id, other.id) } else { (other.id, row.id) };
        let kept = if kind.is_kept() { kind } else { kind.inverse() };
        let made = insert(tx, relation.id, kept, ends, actor.id, relation.created_at)?;
        if !made {
            return Err(Problem::new(
                Code::AlreadyExists,
                Text::new("Esta relación ya existe.", "This relation already exists."),
            ));
        }
        let location = format!("/api/v1/tickets/{}/relations/{}", row.id, relation.id);
        record(tx, actor, EventKind::Related, kind, row, other)?;
        Ok(Answer::created(location, &relation)?.version(relation.id, 1))
    })
    .await
}

/// Remove a relation of a ticket
///
/// From either end. Both tickets get an event. After a mistaken merge, the requesters of the tickets that were merged no
/// longer watch the other ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "deleteTicketRelation",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("relation_id" = Uuid, Path, description = "Identifier of the relation.")),
    responses((status = 204, description = "The relation is removed"))
)]
#[delete("/tickets/{ticket_id}/relations/{relation_id}")]
pub async fn remove(call: Call, path: Path<(i64, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let (id, relation_id) = *path;
        let relation = ticket_relations::table
            .find(relation_id)
            .filter(ticket_relations::ticket_id.eq(id).or(ticket_relations::related_id.eq(id)));
        let (kind, from, to): (RelationKind, i64, i64) = relation
            .select((ticket_relations::kind, ticket_relations::ticket_id, ticket_relations::related_id))
            .get_result(tx)?;
        let (kind, other) = if from == id { (kind, to) } else { (kind.inverse(), from) };
        let (row, other) = store::lock_both(tx, id, other)?;
        let (row, other) = (store::own(actor, row)?, store::own(actor, other)?);
        actor.check_version(relation_id, 1)?;
        // A concurrent request may have removed it.
        if diesel::delete(ticket_relations::table.find(relation_id)).execute(tx)? == 0 {
            return Err(Problem::not_found());
        }
        match kind {
            RelationKind::DuplicateOf => merged::unfollow(tx, row.id, other.id)?,
            RelationKind::DuplicatedBy => merged::unfollow(tx, other.id, row.id)?,
            _ => {}
        }
        record(tx, actor, EventKind::Unrelated, kind, row, other)?;
        Ok(Answer::no_content())
    })
    .await
}

/// Records at both ends that a new ticket continues one that has ended.
pub fn continues(tx: &mut PgConnection, actor: &Actor, new: i64, ended: i64) -> Result<()> {
    let (new, ended) = store::lock_both(tx, new, ended)?;
    let now = actor.now.max(new.updated_at).max(ended.updated_at);
    insert(tx, Uuid::now_v7(), RelationKind::Continues, (new.id, ended.id), actor.id, now)?;
    record(tx, actor, EventKind::Related, RelationKind::Continues, new, ended)
}

/// Writes the event at both ends. The tickets themselves do not change, so that a requester sees no trace of it.
fn record(
    tx: &mut PgConnection,
    actor: &Actor,
    event: EventKind,
    kind: RelationKind,
    here: TicketRow,
    there: TicketRow,
) -> Result<()> {
    let (here_id, there_id) = (here.id, there.id);
    for (row, kind, other) in [(here, kind, there_id), (there, kind.inverse(), here_id)] {
        let mut case = Case::open(tx, row, actor);
        case.note_mail(actor);
        case.details.kind = Some(kind.as_str());
        case.details.ticket_id = Some(other);
        case.record(event)?;
    }
    Ok(())
}

/// The ticket of the path and the one that the body names at `pointer`, both locked.
///
/// # Errors
/// A 422 if both are the same ticket, or the second does not exist.
pub fn both(
    tx: &mut PgConnection,
    actor: &Actor,
    id: i64,
    other: i64,
    pointer: &str,
) -> Result<(TicketRow, TicketRow)> {
    if id == other {
        let detail = Text::new("Debe ser otro caso.", "It must be another ticket.");
        return Err(Problem::field(FieldError::new(pointer, FieldCode::NotAllowed, detail)));
    }
    if let Err(problem) = store::visible(tx, actor, other) {
        let detail = Text::new("No existe.", "It does not exist.");
        return Err(match problem.code {
            Code::NotFound => Problem::field(FieldError::new(pointer, FieldCode::NotFound, detail)),
            _ => problem,
        });
    }
    let (here, there) = store::lock_both(tx, id, other)?;
    Ok((store::own(actor, here)?, store::own(actor, there)?))
}

/// Writes a relation of a kind that is stored under its own name; false if it already exists.
///
/// # Errors
/// A 409 if relations of this kind already lead from the second ticket to the first.
pub fn insert(
    tx: &mut PgConnection,
    id: Uuid,
    kind: RelationKind,
    (from, to): (i64, i64),
    created_by: Uuid,
    now: DateTime<Utc>,
) -> Result<bool> {
    let made = diesel::insert_into(ticket_relations::table)
        .values((
            ticket_relations::id.eq(id),
            ticket_relations::kind.eq(kind),
            ticket_relations::ticket_id.eq(from),
            ticket_relations::related_id.eq(to),
            ticket_relations::created_by.eq(created_by),
            ticket_relations::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx);
    match made {
        Err(Error::DatabaseError(DatabaseErrorKind::CheckViolation, info))
            if info.constraint_name() == Some("ticket_relations_circle") =>
        {
            Err(Problem::new(
                Code::CircularRelation,
                Text::new(
                    "El otro caso ya conduce a este por relaciones del mismo tipo.",
                    "Relations of the same kind already lead from the other ticket to this one.",
                ),
            ))
        }
        made => Ok(made? == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_relation_is_kept_by_one_of_its_two_names() {
        for kind in RelationKind::ALL {
            assert_eq!(kind.inverse().inverse(), *kind);
            assert_ne!(kind.is_kept(), kind.inverse().is_kept(), "{kind:?}");
        }
    }
}
