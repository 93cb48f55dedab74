-- Entries of the log wait for their position in a partition of their own, and move to the others when they get it. The
-- log itself is then only appended to, in its order: a row and an entry of each index are written once. Before, each
-- row got its position by an update, which wrote the row and an entry of each index a second time.
--
-- The statements of the previous version are the same: an entry is inserted without a position, and an update of
-- `position` moves it.
LOCK TABLE log_entries IN ACCESS EXCLUSIVE MODE;
CREATE TEMPORARY TABLE log_ordinals ON COMMIT DROP AS SELECT coalesce(max(ordinal), 0) AS highest FROM log_entries;

DROP TRIGGER log_entries_keep ON log_entries;
DROP TRIGGER log_entries_keep_all ON log_entries;
ALTER TABLE log_entries RENAME TO log_entries_placed;
ALTER TABLE log_entries_placed ALTER COLUMN ordinal DROP IDENTITY;
CREATE SEQUENCE log_entries_ordinal_seq;
SELECT setval('log_entries_ordinal_seq', highest + 1, false) FROM log_ordinals;
DROP TABLE log_ordinals;

-- Not an identity: partitioned tables have one only from PostgreSQL 17 on.
CREATE TABLE log_entries (
    ordinal  bigint NOT NULL DEFAULT nextval('log_entries_ordinal_seq'),
    source   text NOT NULL CONSTRAINT log_entries_source_check CHECK (source IN ('ticket', 'audit')),
    event_id uuid NOT NULL,
    hash     bytea NOT NULL CONSTRAINT log_entries_hash_check CHECK (length(hash) = 32),
    position bigint CONSTRAINT log_entries_position_check CHECK (position >= 0)
) PARTITION BY RANGE (position);
ALTER SEQUENCE log_entries_ordinal_seq OWNED BY log_entries.ordinal;
-- Rows without a position.
CREATE TABLE log_entries_waiting PARTITION OF log_entries (PRIMARY KEY (ordinal), UNIQUE (event_id)) DEFAULT;
WITH moved AS (DELETE FROM log_entries_placed WHERE position IS NULL RETURNING *)
INSERT INTO log_entries_waiting SELECT * FROM moved ORDER BY ordinal;

-- The indexes by position and by event are kept.
DROP INDEX log_entries_pending_idx;
ALTER TABLE log_entries_placed DROP CONSTRAINT log_entries_pkey;
ALTER TABLE log_entries_placed REPLICA IDENTITY USING INDEX log_entries_event_idx;
ALTER TABLE log_entries ATTACH PARTITION log_entries_placed FOR VALUES FROM (0) TO (MAXVALUE);

CREATE OR REPLACE FUNCTION log_entries_keep() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    placed record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        placed := OLD;
        placed.position := NEW.position;
        IF OLD.position IS NULL AND NEW IS NOT DISTINCT FROM placed THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log cannot be changed';
END $$;
-- The move of a row counts as its deletion for triggers of rows, not for those of statements.
CREATE TRIGGER log_entries_keep BEFORE UPDATE ON log_entries FOR EACH ROW EXECUTE FUNCTION log_entries_keep();
CREATE TRIGGER log_entries_keep_all BEFORE DELETE OR TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION log_entries_keep();
CREATE TRIGGER log_entries_keep_all BEFORE DELETE OR TRUNCATE ON log_entries_placed
    FOR EACH STATEMENT EXECUTE FUNCTION log_entries_keep();
CREATE TRIGGER log_entries_keep_all BEFORE DELETE OR TRUNCATE ON log_entries_waiting
    FOR EACH STATEMENT EXECUTE FUNCTION log_entries_keep();

-- Entries come and go: it is cleaned often, so that it stays small.
ALTER TABLE log_entries_waiting SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
