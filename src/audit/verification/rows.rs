//! Reads the rows of a statement one after another, without building a value for each column.

use diesel::connection::LoadConnection;
use diesel::pg::{Pg, PgConnection, PgRowByRowLoadingMode};
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::row::{Field, Row};
use diesel::sql_types::Untyped;
use uuid::Uuid;

use crate::problem::{Problem, Result};

/// A row of `N` columns, as PostgreSQL sends it in binary.
pub struct Columns<'a, const N: usize>([Option<&'a [u8]>; N]);

/// Runs `each` for every row. Only one row is in memory at a time.
///
/// # Errors
/// The error of PostgreSQL, or that of `each`.
pub fn each_row<const N: usize, Q>(
    tx: &mut PgConnection,
    query: Q,
    mut each: impl FnMut(Columns<'_, N>) -> Result<()>,
) -> Result<()>
where
    Q: Query<SqlType = Untyped> + QueryFragment<Pg> + QueryId,
{
    for row in LoadConnection::<PgRowByRowLoadingMode>::load(tx, query)? {
        let row = row?;
        let fields: [_; N] = std::array::from_fn(|index| row.get(index));
        let values = std::array::from_fn(|index| {
            let value = fields[index].as_ref().and_then(Field::value);
            value.map(|value| value.as_bytes())
        });
        each(Columns(values))?;
    }
    Ok(())
}

impl<'a, const N: usize> Columns<'a, N> {
    /// The value of a `bytea`, a `text` or a `uuid`.
    pub fn bytes(&self, index: usize) -> Option<&'a [u8]> {
        self.0[index]
    }

    fn fixed<const LENGTH: usize>(&self, index: usize) -> Result<Option<[u8; LENGTH]>> {
        self.0[index]
            .map(|bytes| {
                bytes.try_into().map_err(|_| Problem::internal(format!("the length of column {index}")))
            })
            .transpose()
    }

    fn required<T>(value: Option<T>, index: usize) -> Result<T> {
        value.ok_or_else(|| Problem::internal(format!("column {index} is NULL")))
    }

    /// The value of a `bigint`, or the microseconds of a `timestamptz`.
    pub fn big(&self, index: usize) -> Result<Option<i64>> {
        Ok(self.fixed(index)?.map(i64::from_be_bytes))
    }

    /// The value of an `integer`.
    pub fn integer(&self, index: usize) -> Result<Option<i32>> {
        Ok(self.fixed(index)?.map(i32::from_be_bytes))
    }

    /// The value of a `bigint` that is not `NULL`.
    pub fn required_big(&self, index: usize) -> Result<i64> {
        Self::required(self.big(index)?, index)
    }

    /// The value of an `integer` that is not `NULL`.
    pub fn required_integer(&self, index: usize) -> Result<i32> {
        Self::required(self.integer(index)?, index)
    }

    /// The bytes of a column that is not `NULL`.
    pub fn required_bytes(&self, index: usize) -> Result<&'a [u8]> {
        Self::required(self.bytes(index), index)
    }

    /// The value of a `uuid` that is not `NULL`.
    pub fn required_uuid(&self, index: usize) -> Result<Uuid> {
        Ok(Uuid::from_bytes(Self::required(self.fixed(index)?, index)?))
    }

    /// Whether a `boolean` is true.
    pub fn is_true(&self, index: usize) -> bool {
        self.0[index] == Some(&[1])
    }
}
