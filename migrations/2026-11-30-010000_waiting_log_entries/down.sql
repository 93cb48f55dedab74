LOCK TABLE log_entries IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER log_entries_keep ON log_entries;
DROP TRIGGER log_entries_keep_all ON log_entries;
DROP TRIGGER log_entries_keep_all ON log_entries_placed;
DROP TRIGGER log_entries_keep_all ON log_entries_waiting;
CREATE TEMPORARY TABLE log_ordinals ON COMMIT DROP AS SELECT coalesce(max(ordinal), 0) AS highest FROM log_entries;
ALTER TABLE log_entries DETACH PARTITION log_entries_placed;
INSERT INTO log_entries_placed SELECT * FROM log_entries_waiting ORDER BY ordinal;
DROP TABLE log_entries;
ALTER TABLE log_entries_placed RENAME TO log_entries;
ALTER TABLE log_entries REPLICA IDENTITY DEFAULT;
ALTER TABLE log_entries ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('log_entries', 'ordinal'), highest + 1, false) FROM log_ordinals;
DROP TABLE log_ordinals;
ALTER TABLE log_entries ADD CONSTRAINT log_entries_pkey PRIMARY KEY (ordinal);
CREATE INDEX log_entries_pending_idx ON log_entries (ordinal) WHERE position IS NULL;

CREATE OR REPLACE FUNCTION log_entries_keep() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    placed log_entries;
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
CREATE TRIGGER log_entries_keep BEFORE UPDATE OR DELETE ON log_entries
    FOR EACH ROW EXECUTE FUNCTION log_entries_keep();
CREATE TRIGGER log_entries_keep_all BEFORE TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION log_entries_keep();
