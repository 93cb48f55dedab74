//! The history: what is written with every change, how it is read, and how it is verified.

pub mod configuration;
pub mod kind;
pub mod log;
pub mod log_list;
pub mod tree;
pub mod verification;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use self::kind::EventKind;
use crate::db::Statement;
use crate::db::json::Json;
use crate::db::schema::events as rows;
use crate::http::routes::Routes;
use crate::problem::{Problem, Result};

pub fn routes(routes: &mut Routes) {
    routes
        .service(verification::verify)
        .service(log_list::list)
        .service(log_list::read)
        .service(tree::read::list)
        .service(tree::read::read)
        .service(tree::read::public_key);
}

/// One field with its values before and after the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldChange)]
pub struct Change {
    /// The name of the field that changed: that of the column in the database, which may differ from the name in other
    /// responses.
    #[schema(max_length = 100, example = "status")]
    pub field: String,
    /// The value before the change; any JSON value.
    #[schema(value_type = Option<Value>, required = true, example = "received")]
    pub from: Value,
    /// The value after the change; any JSON value.
    #[schema(value_type = Option<Value>, required = true, example = "classified")]
    pub to: Value,
}

/// The content of an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Data {
    pub changes: Vec<Change>,
    pub details: Value,
}

/// Writes an event. The database numbers and chains the events of a ticket; its row must be locked or new.
pub fn record(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: EventKind,
    actor_id: Option<Uuid>,
    at: DateTime<Utc>,
    data: &Data,
) -> Result<()> {
    recording(ticket_id, kind, actor_id, at, data).execute(tx)?;
    Ok(())
}

/// The statement of `record`.
pub fn recording<'a>(
    ticket_id: i64,
    kind: EventKind,
    actor_id: Option<Uuid>,
    at: DateTime<Utc>,
    data: &Data,
) -> Statement<'a> {
    Statement::new("INSERT INTO events (id, ticket_id, kind, actor_id, at, data) VALUES (")
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .sql(", ")
        .bind::<BigInt, _>(ticket_id)
        .sql(", ")
        .bind::<Text, _>(kind)
        .sql(", ")
        .bind::<Nullable<SqlUuid>, _>(actor_id)
        .sql(", ")
        .bind::<Timestamptz, _>(at)
        .sql(", ")
        .bind::<Jsonb, _>(Json(data.clone()))
        .sql(")")
}

/// Writes an event of the same kind for each of several tickets, in their order.
pub fn record_each(
    tx: &mut PgConnection,
    events: &[(i64, Data)],
    kind: EventKind,
    actor_id: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let rows: Vec<_> = events.iter().map(|(ticket, data)| row(*ticket, kind, actor_id, at, data)).collect();
    diesel::insert_into(rows::table).values(rows).execute(tx)?;
    Ok(())
}

#[diesel::dsl::auto_type]
fn row(ticket_id: i64, kind: EventKind, actor_id: Option<Uuid>, at: DateTime<Utc>, data: &Data) -> _ {
    let id: Uuid = Uuid::now_v7();
    let data: Json<Data> = Json(data.clone());
    (
        rows::id.eq(id),
        rows::ticket_id.eq(ticket_id),
        rows::kind.eq(kind),
        rows::actor_id.eq(actor_id),
        rows::at.eq(at),
        rows::data.eq(data),
    )
}

/// Internal columns: they are not readable, so their change is not a change of the resource.
const BOOKKEEPING: [&str; 8] = [
    "attention_due_soon_at",
    "clock_stopped_at",
    "due_soon_told_at",
    "overdue_told_at",
    "staff_call_cause",
    "staff_called_at",
    "updated_at",
    "version",
];

/// The fields that differ, in the order of their names, without bookkeeping columns.
///
/// # Errors
/// A fault of the server.
pub fn changes<T: Serialize>(before: &T, after: &T) -> Result<Vec<Change>> {
    let (before, after) = (
        serde_json::to_value(before).map_err(Problem::internal)?,
        serde_json::to_value(after).map_err(Problem::internal)?,
    );
    let fields = after.as_object().into_iter().flatten();
    let changes = fields
        .filter(|(field, _)| !BOOKKEEPING.contains(&field.as_str()))
        .filter(|(field, to)| before[field.as_str()] != **to)
        .map(|(field, to)| Change {
            field: field.clone(),
            from: before[field.as_str()].clone(),
            to: to.clone(),
        });
    Ok(changes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_name_what_differs_from_what_to_what() {
        let before = json!({"status": "received", "version": 1, "subject": "a"});
        let after = json!({"status": "classified", "version": 2, "subject": "a"});
        let expected = Change { field: "status".into(), from: json!("received"), to: json!("classified") };
        assert_eq!(changes(&before, &after).unwrap(), [expected]);
    }
}
