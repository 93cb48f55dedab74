//! Rows whose column has one of some values.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, Bool, HasSqlType, SingleValue};

/// Whether the column has one of these values. One value is compared with `=`: with `eq_any` PostgreSQL estimates ten
/// values for the prepared plan, finds a plan for the single one cheaper, and plans the statement at each call.
#[derive(Debug)]
pub struct Among<C, T> {
    column: C,
    values: Vec<T>,
}

pub fn among<C, T>(column: C, values: impl IntoIterator<Item = T>) -> Among<C, T> {
    Among { column, values: values.into_iter().collect() }
}

impl<C, T> Expression for Among<C, T>
where
    C: Expression,
    C::SqlType: SingleValue,
{
    type SqlType = Bool;
}

impl<C, T> QueryFragment<Pg> for Among<C, T>
where
    C: Expression + QueryFragment<Pg>,
    C::SqlType: SingleValue,
    T: ToSql<C::SqlType, Pg>,
    Vec<T>: ToSql<Array<C::SqlType>, Pg>,
    Pg: HasSqlType<C::SqlType> + HasSqlType<Array<C::SqlType>>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        match self.values.as_slice() {
            [value] => {
                out.push_sql(" = ");
                out.push_bind_param::<C::SqlType, T>(value)
            }
            _ => {
                out.push_sql(" = ANY(");
                out.push_bind_param::<Array<C::SqlType>, Vec<T>>(&self.values)?;
                out.push_sql(")");
                Ok(())
            }
        }
    }
}

impl<C, T> QueryId for Among<C, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, T> ValidGrouping<()> for Among<C, T> {
    type IsAggregate = is_aggregate::Never;
}

impl<C, T, QS> SelectableExpression<QS> for Among<C, T>
where
    Self: AppearsOnTable<QS>,
    C: SelectableExpression<QS>,
{
}

impl<C, T, QS> AppearsOnTable<QS> for Among<C, T>
where
    Self: Expression,
    C: AppearsOnTable<QS>,
{
}
