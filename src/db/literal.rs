//! Parts of a statement's own text in a query that Diesel writes. `diesel::dsl::sql` would do, but for that it keeps the whole
//! from being prepared.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::SingleValue;

/// An expression of the type `ST`, of nothing that a client sent: a connection keeps as many statements prepared as there are
/// different texts.
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

/// A query of so many rows at most, told in its text: PostgreSQL plans a statement anew at each call where it does not know how
/// few rows are wanted, since what it has prepared looks too dear to it.
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
