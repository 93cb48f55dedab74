//! Reads tables of a database and writes them to another one, whatever their columns.

use std::collections::BTreeMap;

use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};

/// The approximate size of one entry of a table, in bytes.
const PIECE: usize = 2 * 1024 * 1024;

/// The table of applied migrations, which the migrations themselves create.
const OF_DIESEL: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A table and its columns without generated ones, quoted.
#[derive(QueryableByName)]
pub struct Table {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
}

pub fn all(db: &mut PgConnection) -> QueryResult<Vec<Table>> {
    diesel::sql_query(
        "SELECT c.relname::text AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> $1 \
         AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
         GROUP BY c.relname ORDER BY c.relname",
    )
    .bind::<Text, _>(OF_DIESEL)
    .load(db)
}

pub fn count(db: &mut PgConnection, table: &str) -> QueryResult<i64> {
    let rows: Number = diesel::sql_query(format!("SELECT count(*) AS number FROM {table}")).get_result(db)?;
    Ok(rows.number)
}

pub fn migrations(db: &mut PgConnection) -> QueryResult<Vec<String>> {
    let known: Vec<Name> =
        diesel::sql_query("SELECT to_regclass($1)::text AS name WHERE to_regclass($1) IS NOT NULL")
            .bind::<Text, _>(OF_DIESEL)
            .load(db)?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!("SELECT version::text AS name FROM {OF_DIESEL} ORDER BY version");
    Ok(diesel::sql_query(query).load::<Name>(db)?.into_iter().map(|row| row.name).collect())
}

pub fn sequences(db: &mut PgConnection) -> QueryResult<BTreeMap<String, (i64, bool)>> {
    #[derive(QueryableByName)]
    struct Place {
        #[diesel(sql_type = BigInt)]
        last_value: i64,
        #[diesel(sql_type = Bool)]
        is_called: bool,
    }
    let names: Vec<Name> = diesel::sql_query(
        "SELECT relname::text AS name FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' ORDER BY relname",
    )
    .load(db)?;
    let mut sequences = BTreeMap::new();
    for Name { name } in names {
        let place: Place =
            diesel::sql_query(format!("SELECT last_value, is_called FROM {name}")).get_result(db)?;
        sequences.insert(name, (place.last_value, place.is_called));
    }
    Ok(sequences)
}

impl Table {
    /// Passes the rows to `each` as JSON arrays, in pieces.
    ///
    /// # Errors
    /// An error of the database or of `each`.
    pub fn read<E: From<diesel::result::Error>>(
        &self,
        db: &mut PgConnection,
        mut each: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let Table { name, columns } = self;
        let query = format!(
            "SELECT row_to_json(r)::text AS name FROM (SELECT {} FROM {name}) AS r",
            columns.join(", ")
        );
        let rows = diesel::sql_query(query).load_iter::<Name, PgRowByRowLoadingMode>(db)?;
        let mut piece = String::new();
        for row in rows {
            piece.push(if piece.is_empty() { '[' } else { ',' });
            piece.push_str(&row?.name);
            if piece.len() >= PIECE {
                piece.push(']');
                each(&piece)?;
                piece.clear();
            }
        }
        if piece.is_empty() {
            return Ok(());
        }
        piece.push(']');
        each(&piece)
    }

    /// Inserts the rows that `read` returned.
    pub fn write(&self, db: &mut PgConnection, piece: &str) -> QueryResult<usize> {
        let (name, columns) = (&self.name, self.columns.join(", "));
        diesel::sql_query(format!(
            "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE \
             SELECT {columns} FROM json_populate_recordset(NULL::{name}, $1::json)"
        ))
        .bind::<Text, _>(piece)
        .execute(db)
    }
}

/// Constraints between tables and triggers, to be restored after all rows were inserted: the rows are inserted in any
/// order and unchanged.
pub struct Rules {
    tables: Vec<String>,
    foreign_keys: Vec<ForeignKey>,
}

#[derive(QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

impl Rules {
    /// Drops the constraints and triggers, and deletes the rows that the migrations inserted.
    pub fn suspend(tx: &mut PgConnection, tables: &[Table]) -> QueryResult<Self> {
        let tables: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let foreign_keys: Vec<ForeignKey> = diesel::sql_query(
            "SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, \
             pg_get_constraintdef(oid) AS definition \
             FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
        )
        .load(tx)?;
        for table in &tables {
            diesel::sql_query(format!("ALTER TABLE {table} DISABLE TRIGGER USER")).execute(tx)?;
        }
        diesel::sql_query(format!("TRUNCATE {}", tables.join(", "))).execute(tx)?;
        for ForeignKey { table, name, .. } in &foreign_keys {
            diesel::sql_query(format!("ALTER TABLE {table} DROP CONSTRAINT {name}")).execute(tx)?;
        }
        Ok(Rules { tables, foreign_keys })
    }

    /// # Errors
    /// A constraint that the rows violate.
    pub fn restore(self, tx: &mut PgConnection) -> QueryResult<()> {
        for ForeignKey { table, name, definition } in self.foreign_keys {
            diesel::sql_query(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))
                .execute(tx)?;
        }
        for table in self.tables {
            diesel::sql_query(format!("ALTER TABLE {table} ENABLE TRIGGER USER")).execute(tx)?;
        }
        Ok(())
    }
}
