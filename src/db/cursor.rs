//! Many rows of a statement, read in pieces: memory holds one piece, whatever the number of rows.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;

use super::Statement;
use crate::problem::Result;

/// The number of rows of a piece: with more, the system gives the memory of each piece anew.
const PIECE: usize = 2_000;

/// The next rows of a cursor, whose columns have the types `ST`.
pub struct Fetch<ST> {
    name: &'static str,
    types: PhantomData<ST>,
}

impl<ST> QueryFragment<Pg> for Fetch<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Its columns belong to the cursor, not to the text.
        out.unsafe_to_cache_prepared();
        out.push_sql(&format!("FETCH {PIECE} FROM {}", self.name));
        Ok(())
    }
}

impl<ST> QueryId for Fetch<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Fetch<ST> {
    type SqlType = ST;
}

impl<ST, Conn> RunQueryDsl<Conn> for Fetch<ST> {}

/// The declaration of a cursor.
struct Declare<'a> {
    name: &'static str,
    select: Statement<'a>,
}

impl QueryFragment<Pg> for Declare<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&format!("DECLARE {} NO SCROLL CURSOR FOR ", self.name));
        self.select.walk_ast(out)
    }
}

impl QueryId for Declare<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Declare<'_> {}

/// Calls `each` with the rows of `select`, in pieces. `name` must be unique in the transaction, which ends the cursor.
///
/// # Errors
/// An error of PostgreSQL, or that of `each`.
pub fn read_in_pieces<ST, Row>(
    tx: &mut PgConnection,
    name: &'static str,
    select: Statement<'_>,
    mut each: impl FnMut(&mut PgConnection, Vec<Row>) -> Result<()>,
) -> Result<()>
where
    Fetch<ST>: for<'q> LoadQuery<'q, PgConnection, Row>,
{
    Declare { name, select }.execute(tx)?;
    loop {
        let rows: Vec<Row> = Fetch::<ST> { name, types: PhantomData }.load(tx)?;
        let is_last = rows.len() < PIECE;
        each(tx, rows)?;
        if is_last {
            return Ok(());
        }
    }
}
