//! What the schema needs of PostgreSQL beyond tables, columns and B-trees: a distributed or compatible database may lack it.
//! `tests/api/catalogue.txt` lists all of it; `MESA_KEEP_CATALOGUE=1 cargo test --test api catalogue` writes the list. An
//! entry is added on purpose, and named in docs/operation.md.

use std::path::Path;

use diesel::prelude::*;

use crate::harness::Database;

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = diesel::sql_types::Text)]
    entry: String,
}

const ENTRIES: &str = "SELECT entry FROM ( \
    SELECT format('index %s: %s', upper(m.amname), c.relname) AS entry FROM pg_class c \
        JOIN pg_am m ON m.oid = c.relam WHERE c.relkind = 'i' AND m.amname <> 'btree' \
    UNION ALL SELECT format('generated column: %s.%s', a.attrelid::regclass, a.attname) FROM pg_attribute a \
        WHERE a.attgenerated <> '' AND NOT a.attisdropped \
    UNION ALL SELECT format('identity column: %s.%s', a.attrelid::regclass, a.attname) FROM pg_attribute a \
        WHERE a.attidentity <> '' AND NOT a.attisdropped \
    UNION ALL SELECT format('column of type %s: %s.%s', t.typname, a.attrelid::regclass, a.attname) FROM pg_attribute a \
        JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid \
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped AND a.attnum > 0 \
          AND (t.typname IN ('xid8', 'xid', 'tsvector', 'pg_lsn') OR t.typtype IN ('r', 'm', 'e', 'd')) \
    UNION ALL SELECT format('unique key of a table of tickets without its ticket: %s', i.indexrelid::regclass) FROM pg_index i \
        WHERE i.indisunique AND NOT i.indisprimary AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid \
            AND a.attname = 'ticket_id' AND NOT a.attisdropped AND a.attnum <> ALL (i.indkey::smallint[])) \
    UNION ALL SELECT format('%s constraint: %s on %s', CASE c.contype WHEN 'x' THEN 'exclusion' ELSE 'deferrable' END, \
        c.conname, c.conrelid::regclass) FROM pg_constraint c WHERE c.contype = 'x' OR c.condeferrable AND c.contype <> 't' \
    UNION ALL SELECT format('function that locks: %s', p.oid::regproc) FROM pg_proc p \
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosrc LIKE '%advisory%' \
    UNION ALL SELECT format('triggers of the kind %s', t.tgfoid::regproc) FROM pg_trigger t WHERE NOT t.tgisinternal \
        GROUP BY t.tgfoid \
    UNION ALL SELECT format('extension: %s', extname) FROM pg_extension WHERE extname <> 'plpgsql' \
    UNION ALL SELECT format('text search configuration: %s', cfgname) FROM pg_ts_config \
        WHERE cfgnamespace = 'public'::regnamespace) AS all_entries \
    WHERE entry NOT LIKE '%pg_toast%' AND entry NOT LIKE '%pg_catalog%' AND entry NOT LIKE '%: pg_%' ORDER BY entry COLLATE \"C\"";

#[test]
fn what_the_schema_needs_of_postgresql_is_listed() {
    let database = Database::from_template();
    let found: Vec<Entry> = database.ask(|db| diesel::sql_query(ENTRIES).load(db)).unwrap();
    let found: Vec<String> = found.into_iter().map(|one| one.entry).collect();
    assert!(found.len() > 10, "{found:?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/catalogue.txt");
    if std::env::var_os("MESA_KEEP_CATALOGUE").is_some() {
        std::fs::write(&path, found.join("\n") + "\n").unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap();
    let known: Vec<&str> = known.lines().collect();
    let new: Vec<_> = found.iter().filter(|entry| !known.contains(&entry.as_str())).collect();
    let gone: Vec<_> = known.iter().filter(|entry| !found.iter().any(|one| one == *entry)).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}, gone: {gone:#?}");
}
