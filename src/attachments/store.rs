//! The rows of attachments.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use super::Attachment;
use super::upload::Received;
use crate::db::schema::{attachments, users};
use crate::http::paging::{Paging, read_page};
use crate::http::{Actor, Answer};
use crate::people::Person;
use crate::problem::Result;

/// The owner of a file.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    Ticket(i64),
    Followup { ticket_id: i64, id: Uuid },
    Article(Uuid),
    ImprovementAction(Uuid),
    Minutes(Uuid),
    Indicator(Uuid),
    Risk(Uuid),
}

/// The column of each owner.
#[derive(Debug, Clone, Copy, Default, Insertable)]
#[diesel(table_name = attachments)]
struct Columns {
    ticket_id: Option<i64>,
    followup_id: Option<Uuid>,
    article_id: Option<Uuid>,
    improvement_action_id: Option<Uuid>,
    minutes_id: Option<Uuid>,
    indicator_id: Option<Uuid>,
    risk_id: Option<Uuid>,
}

impl Owner {
    /// The value of each column for this owner.
    fn columns(self) -> Columns {
        let none = Columns::default();
        match self {
            Owner::Ticket(id) => Columns { ticket_id: Some(id), ..none },
            Owner::Followup { ticket_id, id } => {
                Columns { ticket_id: Some(ticket_id), followup_id: Some(id), ..none }
            }
            Owner::Article(id) => Columns { article_id: Some(id), ..none },
            Owner::ImprovementAction(id) => Columns { improvement_action_id: Some(id), ..none },
            Owner::Minutes(id) => Columns { minutes_id: Some(id), ..none },
            Owner::Indicator(id) => Columns { indicator_id: Some(id), ..none },
            Owner::Risk(id) => Columns { risk_id: Some(id), ..none },
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = attachments)]
struct Row {
    id: Uuid,
    ticket_id: Option<i64>,
    followup_id: Option<Uuid>,
    article_id: Option<Uuid>,
    improvement_action_id: Option<Uuid>,
    minutes_id: Option<Uuid>,
    indicator_id: Option<Uuid>,
    risk_id: Option<Uuid>,
    file_name: String,
    content_type: String,
    size: i64,
    sha256: String,
    created_at: DateTime<Utc>,
}

impl From<(Row, Person)> for Attachment {
    fn from((row, uploaded_by): (Row, Person)) -> Self {
        Attachment {
            id: row.id,
            ticket_id: row.ticket_id,
            followup_id: row.followup_id,
            article_id: row.article_id,
            improvement_action_id: row.improvement_action_id,
            minutes_id: row.minutes_id,
            indicator_id: row.indicator_id,
            risk_id: row.risk_id,
            file_name: row.file_name,
            content_type: row.content_type,
            size: row.size,
            sha256: row.sha256,
            uploaded_by,
            created_at: row.created_at,
        }
    }
}

pub fn insert(
    tx: &mut PgConnection,
    actor: &Actor,
    owner: Owner,
    file: &Received,
    now: DateTime<Utc>,
) -> Result<Attachment> {
    let row: Row = diesel::insert_into(attachments::table)
        .values((
            attachments::id.eq(Uuid::now_v7()),
            owner.columns(),
            attachments::file_name.eq(&file.file_name),
            attachments::content_type.eq(&file.content_type),
            attachments::size.eq(file.size),
            attachments::sha256.eq(&file.sha256),
            attachments::storage_key.eq(&file.storage_key),
            attachments::uploaded_by.eq(actor.id),
            attachments::created_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(tx)?;
    Ok((row, actor.person()).into())
}

/// Several files of one owner.
pub fn insert_all(
    tx: &mut PgConnection,
    uploaded_by: Uuid,
    owner: Owner,
    files: &[Received],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = files.iter().map(|_| Uuid::now_v7()).collect();
    let row = |(file, id): (&Received, &Uuid)| {
        (
            attachments::id.eq(*id),
            owner.columns(),
            attachments::file_name.eq(file.file_name.clone()),
            attachments::content_type.eq(file.content_type.clone()),
            attachments::size.eq(file.size),
            attachments::sha256.eq(file.sha256.clone()),
            attachments::storage_key.eq(file.storage_key.clone()),
            attachments::uploaded_by.eq(uploaded_by),
            attachments::created_at.eq(now),
        )
    };
    let rows: Vec<_> = files.iter().zip(&ids).map(row).collect();
    diesel::insert_into(attachments::table).values(rows).execute(tx)?;
    Ok(ids)
}

/// The file with the key of its content.
///
/// # Errors
/// A 404 if there is none.
pub fn find(db: &mut PgConnection, id: Uuid) -> Result<(Attachment, String)> {
    let (row, person, key): (Row, Person, String) = attachments::table
        .inner_join(users::table)
        .filter(attachments::id.eq(id))
        .select((Row::as_select(), Person::as_select(), attachments::storage_key))
        .first(db)?;
    Ok(((row, person).into(), key))
}

/// The files of these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Attachment>> {
    let found = attachments::table.inner_join(users::table).filter(attachments::id.eq_any(ids));
    let rows: Vec<(Row, Person)> = found.select((Row::as_select(), Person::as_select())).load(db)?;
    Ok(rows.into_iter().map(Attachment::from).collect())
}

type Joined<'a> =
    diesel::helper_types::IntoBoxed<'a, diesel::dsl::InnerJoin<attachments::table, users::table>, Pg>;

/// A page of the files that `filtered` lets through, the first uploaded first.
///
/// # Errors
/// A broken cursor.
pub fn page<'a>(
    db: &mut PgConnection,
    paging: &Paging,
    filtered: impl Fn(Joined<'a>) -> Joined<'a>,
) -> Result<Answer> {
    let all = || filtered(attachments::table.inner_join(users::table).into_boxed());
    let (rows, total): (Vec<(Row, Person)>, _) = read_page!(
        db,
        paging,
        "created_at",
        all,
        (attachments::created_at as DateTime<Utc>, attachments::id as Uuid),
        (Row::as_select(), Person::as_select())
    );
    let items: Vec<Attachment> = rows.into_iter().map(Attachment::from).collect();
    paging.answer("created_at", items, total, |file| (file.created_at, file.id))
}

/// Adds the files of one followup to another; their content is kept once. Returns the ids and names of the new ones.
pub fn copy(
    tx: &mut PgConnection,
    ticket_id: i64,
    from: Uuid,
    to: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, String)>> {
    let files = attachments::table.filter(attachments::followup_id.eq(from)).into_boxed();
    copy_all(tx, files, Owner::Followup { ticket_id, id: to }, now)
}

/// Adds these files to another owner, in the order in which they came; their content is kept once. Returns the ids and names of
/// the new ones.
pub fn copy_all(
    tx: &mut PgConnection,
    files: attachments::BoxedQuery<'_, Pg>,
    owner: Owner,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, String)>> {
    type Copied = (String, String, i64, String, String, Uuid);
    let files: Vec<Copied> = files
        .order((attachments::created_at, attachments::id))
        .select((
            attachments::file_name,
            attachments::content_type,
            attachments::size,
            attachments::sha256,
            attachments::storage_key,
            attachments::uploaded_by,
        ))
        .load(tx)?;
    let ids: Vec<Uuid> = files.iter().map(|_| Uuid::now_v7()).collect();
    let copies = ids.iter().copied().zip(files.iter().map(|file| file.0.clone())).collect();
    let rows: Vec<_> = files
        .into_iter()
        .zip(ids)
        .map(|((file_name, content_type, size, sha256, storage_key, uploaded_by), id)| {
            (
                attachments::id.eq(id),
                owner.columns(),
                attachments::file_name.eq(file_name),
                attachments::content_type.eq(content_type),
                attachments::size.eq(size),
                attachments::sha256.eq(sha256),
                attachments::storage_key.eq(storage_key),
                attachments::uploaded_by.eq(uploaded_by),
                attachments::created_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(attachments::table).values(rows).execute(tx)?;
    Ok(copies)
}
