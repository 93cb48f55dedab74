//! Handwritten SQL that each connection prepares once, like the statements of Diesel: the statements of
//! `diesel::sql_query` are parsed and planned at every call.

use std::borrow::Cow;

use diesel::expression::{AsExpression, expression_types::Untyped};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{HasSqlType, SingleValue, SqlType};

/// A statement, written in parts. A connection keeps one prepared statement for each different text, so the text
/// contains only parts that this program defines, and values of a client are bound.
#[derive(Default)]
pub struct Statement<'a>(Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>);

impl<'a> Statement<'a> {
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Statement::default().sql(sql)
    }

    pub fn sql(mut self, sql: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Box::new(Piece(sql.into())));
        self
    }

    /// Adds a parameter in this place.
    pub fn bind<ST, T>(mut self, value: T) -> Self
    where
        Pg: HasSqlType<ST>,
        ST: SqlType + SingleValue,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.0.push(Box::new(value.as_expression()));
        self
    }

    /// Adds the part that `more` writes, if there is a value.
    pub fn with<T>(self, value: Option<T>, more: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => more(self, value),
            None => self,
        }
    }
}

struct Piece(Cow<'static, str>);

impl QueryFragment<Pg> for Piece {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.0);
        Ok(())
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.iter().try_for_each(|piece| piece.walk_ast(out.reborrow()))
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Statement<'_> {}
