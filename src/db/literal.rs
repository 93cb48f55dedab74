//! Literal parts of a statement in a query that Diesel writes. With `diesel::dsl::sql` the whole statement would not
//! be prepared.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::SingleValue;

/// An expression of the type `ST` that contains nothing a client sent: a connection keeps one prepared statement for
/// each different text.
#[derive(Debug, Clone)]
pub struct Literal<ST>(Cow<'static, str>, PhantomData<ST>);

impl<ST> Literal<ST> {
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Literal(sql.into(), PhantomData)
    }
}

impl<ST: SingleValue> Expression for Literal<ST> {
    type SqlType = ST;
}

impl<ST> QueryFragment<Pg> for Literal<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.0);
        Ok(())
    }
}

impl<ST> QueryId for Literal<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> ValidGrouping<()> for Literal<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST, QS> SelectableExpression<QS> for Literal<ST> where Self: Expression {}

impl<ST, QS> AppearsOnTable<QS> for Literal<ST> where Self: Expression {}

/// A query with a literal row limit: with a bound limit PostgreSQL does not know how few rows are needed and plans
/// the statement anew at each call, because it estimates the prepared plan as too expensive.
pub struct Limited<Q> {
    query: Q,
    rows: i64,
}

impl<Q> Limited<Q> {
    pub fn new(query: Q, rows: i64) -> Self {
        Limited { query, rows }
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(&format!(" LIMIT {}", self.rows));
        Ok(())
    }
}

impl<Q> QueryId for Limited<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for Limited<Q> {}
