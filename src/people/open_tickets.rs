//! The open tickets of a person, before a change of their account.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use crate::db::Literal;
use crate::db::schema::tickets;
use crate::problem::{Code, Problem, Result, Text};

/// # Errors
/// A 409 that names the open tickets that this person could no longer attend to, if their own level were this one: 0 for a
/// person who attends no tickets. Staff of any level manage cases that a third party works on.
pub(super) fn must_be_none_above(tx: &mut PgConnection, user_id: Uuid, level: i16) -> Result<()> {
    let open: Vec<(i64, i16, Option<String>)> = tickets::table
        .filter(tickets::assignee_id.eq(user_id))
        .filter(Literal::<Bool>::new("status IN ('assigned', 'in_progress', 'on_hold')"))
        .order(tickets::id)
        .select((tickets::id, tickets::support_level, tickets::third_party))
        .load(tx)?;
    let is_above = |support_level: i16, third_party: &Option<String>| {
        level == 0 || (support_level > level && third_party.is_none())
    };
    let above =
        open.into_iter().filter(|(_, support_level, third_party)| is_above(*support_level, third_party));
    let ids: Vec<i64> = above.map(|(id, ..)| id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut problem = Problem::new(
        Code::OpenTickets,
        Text::made(
            format!("La persona tiene {} casos abiertos: reasígnelos antes.", ids.len()),
            format!("The person has {} open tickets: hand them over first.", ids.len()),
        ),
    );
    problem.members.insert("ticket_ids".to_owned(), ids.into());
    Err(problem)
}
