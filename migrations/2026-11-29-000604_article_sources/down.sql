CREATE OR REPLACE FUNCTION articles_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.search :=
        setweight(to_tsvector('mesa_spanish', NEW.title), 'A') ||
        setweight(to_tsvector('mesa_spanish', NEW.incident), 'B') ||
        setweight(to_tsvector('mesa_spanish', NEW.resolution), 'C') ||
        setweight(jsonb_to_tsvector('mesa_spanish', NEW.steps, '["string"]'), 'D');
    RETURN NEW;
END $$;
ALTER TABLE articles DROP CONSTRAINT articles_published_with_steps;
ALTER TABLE articles DROP CONSTRAINT articles_no_steps;
ALTER TABLE articles DROP COLUMN bibliography;
ALTER TABLE articles DROP COLUMN no_steps;
-- Earlier versions of the server accept no other fields.
UPDATE article_revisions SET content = content - 'no_steps' - 'bibliography';
