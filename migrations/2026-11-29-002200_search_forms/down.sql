DROP TRIGGER tickets_words_new ON tickets;
DROP TRIGGER tickets_words_changed ON tickets;
DROP FUNCTION tickets_words;
DROP TABLE ticket_words;
DROP FUNCTION words_of;

CREATE OR REPLACE FUNCTION tickets_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.search :=
        setweight(to_tsvector('mesa_spanish', NEW.subject), 'A') ||
        setweight(to_tsvector('mesa_spanish', NEW.description), 'B');
    RETURN NEW;
END $$;
ALTER TABLE tickets DISABLE TRIGGER USER;
UPDATE tickets SET search =
    setweight(to_tsvector('mesa_spanish', subject), 'A') || setweight(to_tsvector('mesa_spanish', description), 'B')
WHERE search IS NULL;
ALTER TABLE tickets ENABLE TRIGGER USER;
ALTER TABLE tickets ALTER COLUMN search SET NOT NULL;
CREATE INDEX tickets_search_idx ON tickets USING gin (search);
CREATE TRIGGER tickets_search_new BEFORE INSERT ON tickets
    FOR EACH ROW EXECUTE FUNCTION tickets_search();

CREATE OR REPLACE FUNCTION articles_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.search :=
        setweight(to_tsvector('mesa_spanish', NEW.title), 'A') ||
        setweight(to_tsvector('mesa_spanish', NEW.incident), 'B') ||
        setweight(to_tsvector('mesa_spanish', NEW.resolution), 'C') ||
        setweight(jsonb_to_tsvector('mesa_spanish', NEW.steps || NEW.bibliography
            || jsonb_path_query_array(NEW."references", '$[*].title'), '["string"]'), 'D');
    RETURN NEW;
END $$;
UPDATE articles SET title = title
WHERE jsonb_array_length(steps) <= 100 AND NOT jsonb_path_exists(
    steps, '$[*] ? (!(@.type() == "string" && @ like_regex "^.{1,250}.{0,250}$" flag "s"))');

DROP FUNCTION search_query;
DROP FUNCTION search_beginning;
DROP FUNCTION search_words;
DROP FUNCTION search_parts;
