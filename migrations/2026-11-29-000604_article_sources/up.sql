-- Activity 8: an article has its steps or says that none apply; it may name printed and other sources beside its links.
-- Null is an article that the previous version of the server wrote, which did not ask.
ALTER TABLE articles ADD COLUMN no_steps boolean;
ALTER TABLE articles ADD COLUMN bibliography jsonb NOT NULL DEFAULT '[]';
ALTER TABLE articles ADD CONSTRAINT articles_published_with_steps CHECK (
    status <> 'published' OR no_steps IS NULL OR no_steps OR jsonb_array_length(steps) > 0);
ALTER TABLE articles ADD CONSTRAINT articles_no_steps CHECK (no_steps IS NOT TRUE OR steps = '[]');
ALTER TABLE articles ADD CONSTRAINT articles_bibliography_bounded CHECK (
    jsonb_typeof(bibliography) = 'array' AND jsonb_array_length(bibliography) <= 50
    AND NOT jsonb_path_exists(
        bibliography, '$[*] ? (!(@.type() == "string" && @ like_regex "^.{1,250}.{0,250}$" flag "s"))'
    )
);

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
-- The titles of the links are searched now. Articles whose steps are longer than is accepted keep their words until they are
-- changed.
UPDATE articles SET title = title
WHERE "references" <> '[]' AND jsonb_array_length(steps) <= 100 AND NOT jsonb_path_exists(
    steps, '$[*] ? (!(@.type() == "string" && @ like_regex "^.{1,250}.{0,250}$" flag "s"))');
