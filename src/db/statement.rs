//! Handwritten SQL that each connection prepares once, like the statements of Diesel: the statements of
//! `diesel::sql_query` are parsed and planned at every call.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::OnceLock;

use diesel::backend::Backend;
use diesel::expression::{AsExpression, expression_types::Untyped};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::sql_types::{HasSqlType, SingleValue, SqlType};

/// A statement, written in parts. A connection keeps one prepared statement for each different text, so the text
/// contains only parts that this program defines, and values of a client are bound. Its rows are read by the names of their
/// columns, or by position if they have the type `ST`.
pub struct Statement<'a, ST = Untyped> {
    pieces: Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>,
    is_planned_each_time: bool,
    rows: PhantomData<fn() -> ST>,
}

impl Statement<'_> {
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Statement::of(sql)
    }

    /// A statement whose rows are read by position.
    pub fn typed<'a, ST>(sql: impl Into<Cow<'static, str>>) -> Statement<'a, ST> {
        Statement::of(sql)
    }

    /// A statement that begins with a query of Diesel without parameters. The text is written once, into `text`: Diesel
    /// writes the text of a long query again at each call.
    ///
    /// # Errors
    /// An error of Diesel, if the query cannot be written.
    pub fn of_query<'a, Q>(
        text: &'static OnceLock<String>,
        query: &Q,
    ) -> QueryResult<Statement<'a, Q::SqlType>>
    where
        Q: Query + QueryFragment<Pg>,
    {
        let text = match text.get() {
            Some(text) => text,
            None => {
                let mut builder = <Pg as Backend>::QueryBuilder::default();
                query.to_sql(&mut builder, &Pg)?;
                text.get_or_init(|| builder.finish())
            }
        };
        Ok(Statement::of(text.as_str()))
    }
}

impl<'a> Statement<'a> {
    /// One statement that carries out all of these, the last one for its rows. Each of them sees the tables as they were
    /// before.
    pub fn together(first: impl IntoIterator<Item = Statement<'a>>, last: Statement<'a>) -> Self {
        let mut all = Statement::new("");
        for (place, statement) in first.into_iter().enumerate() {
            let begin = if place == 0 { "WITH" } else { "," };
            all = all.sql(format!("{begin} statement_{place} AS (")).query(statement).sql(") ");
        }
        all.query(last)
    }
}

impl<'a, ST> Statement<'a, ST> {
    fn of(sql: impl Into<Cow<'static, str>>) -> Self {
        Statement { pieces: Vec::new(), is_planned_each_time: false, rows: PhantomData }.sql(sql)
    }

    pub fn sql(mut self, sql: impl Into<Cow<'static, str>>) -> Self {
        self.pieces.push(Box::new(Piece(sql.into())));
        self
    }

    /// Adds a query of Diesel, or another statement, in this place.
    pub fn query(mut self, query: impl QueryFragment<Pg> + Send + 'a) -> Self {
        self.pieces.push(Box::new(query));
        self
    }

    /// Adds a parameter in this place.
    pub fn bind<BT, T>(mut self, value: T) -> Self
    where
        Pg: HasSqlType<BT>,
        BT: SqlType + SingleValue,
        T: AsExpression<BT>,
        T::Expression: QueryFragment<Pg> + Send + 'a,
    {
        self.pieces.push(Box::new(value.as_expression()));
        self
    }

    /// The statement is planned at each call, for its values. A prepared one is planned for any values after five calls: what
    /// depends only on a parameter is then no constant, and a function of it is evaluated for each row.
    pub fn planned_each_time(mut self) -> Self {
        self.is_planned_each_time = true;
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

impl<ST> QueryFragment<Pg> for Statement<'_, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.is_planned_each_time {
            out.unsafe_to_cache_prepared();
        }
        self.pieces.iter().try_for_each(|piece| piece.walk_ast(out.reborrow()))
    }
}

impl<ST> QueryId for Statement<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Statement<'_, ST> {
    type SqlType = ST;
}

impl<ST, Conn> RunQueryDsl<Conn> for Statement<'_, ST> {}
