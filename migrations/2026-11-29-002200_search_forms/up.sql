-- PostgreSQL keeps as one token what contains / . _ : @ -, so that neither word of "correo/intranet" is found. The separators
-- become blanks, in texts and in what is searched for. A database with the locale C takes other signs for letters.
CREATE FUNCTION search_parts(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace($1, '[/._:@\\#()=&?+<>¿¡“”‘’«»–—…·•°´\u00A0-]+', ' ', 'g')
$$;

-- The words of a text as they are indexed: its parts, then once more as a whole the tokens that have separators, at most 2000
-- characters of them, and numbers without the points between their digits.
-- In PL/pgSQL, which keeps its plan: nested functions in SQL are planned at each call.
CREATE FUNCTION search_words(text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
DECLARE
    words tsvector := to_tsvector('public.mesa_spanish', public.search_parts($1));
BEGIN
    IF $1 ~ '[[:alnum:]][/._:@#()=&?+-]+[[:alnum:]]' THEN
        words := words || to_tsvector('public.mesa_spanish', left(coalesce((
            SELECT string_agg(concat_ws(' ', token,
                CASE WHEN token ~ '^[0-9]{1,3}([.,][0-9]{3})+$' THEN translate(token, '.,', '') END), ' ')
            FROM regexp_split_to_table(translate($1, '\', ' '), '[[:space:]]+') AS token
            WHERE token ~ '[[:alnum:]][/._:@#()=&?+-]+[[:alnum:]]'), ''), 2000));
    END IF;
    RETURN words;
END $$;

-- Words that begin like the last of these, after the others: for the word that is still being typed. Null if it is too short
-- to be looked up.
CREATE FUNCTION search_beginning(parts text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    last text := substring(public.fold(parts) FROM '[^ ]+$');
    before text := substring(parts FROM '^(.*) [^ ]+$');
    begun tsquery;
    whole text;
BEGIN
    IF last !~ '^[[:alnum:]]{3,}$' OR last ~ '^[0-9]{1,4}$' THEN
        RETURN NULL;
    END IF;
    begun := (quote_literal(last) || ':*')::tsquery;
    IF last ~ '^[a-z]{5,}$' THEN
        -- The stem of the whole word can be shorter than what was typed of it: "contratis" of "contratista", stem "contrat".
        SELECT string_agg(regexp_replace(last, cut, ending), ' | ') INTO whole
        FROM (VALUES ('c(i(o(ne?)?)?)?$', 'ciones'), ('ifi(c(ad?)?)?$', 'ificaciones'), ('i(m(i(e(nt?)?)?)?)?$', 'imiento'),
            ('is?t?$', 'ista'), ('is?m?$', 'ismo'), ('ic?$', 'ico'), ('a$', 'ado'), ('([ae])nci?$', '\1ncia'), ('e$', 'es')
        ) AS endings (cut, ending)
        WHERE last ~ cut;
        begun := coalesce(begun || to_tsquery('public.mesa_spanish', whole), begun);
    END IF;
    IF before IS NULL OR length(to_tsvector('public.mesa_spanish', before)) = 0 THEN
        RETURN begun;
    END IF;
    RETURN phraseto_tsquery('public.mesa_spanish', before) <-> begun;
END $$;

-- What a person searches for: words, "phrases", -excluded ones, and alternatives with `or`. A word with separators is a phrase
-- of its parts. Null without words.
CREATE FUNCTION search_query(typed text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    item record;
    parts text;
    plain text;
    found tsquery;
    every tsquery;
    whole tsquery;
BEGIN
    FOR item IN
        SELECT m[1] <> '' AS excluded, m[2] AS phrase, m[3] AS word,
            place = max(place) OVER () AND typed ~ '[^[:space:]"]$' AS growing
        FROM regexp_matches(translate(typed, '“”«»', '""""'), '(-?)(?:"([^"]*)"?|([^[:space:]"]+))', 'g')
            WITH ORDINALITY AS t (m, place)
        ORDER BY place
    LOOP
        IF lower(item.word) = 'or' THEN
            whole := coalesce(whole || every, whole, every);
            every := NULL;
            CONTINUE;
        END IF;
        parts := btrim(public.search_parts(coalesce(item.phrase, item.word)));
        CONTINUE WHEN length(to_tsvector('public.mesa_spanish', parts)) = 0;
        found := phraseto_tsquery('public.mesa_spanish', parts);
        IF item.word IS NOT NULL THEN
            plain := public.fold(parts);
            IF plain ~ '^[[:alpha:]]+cion(es)?$' THEN
                -- Without its accent the singular has another stem than the plural.
                found := plainto_tsquery('public.mesa_spanish', regexp_replace(plain, 'es$', ''))
                    || plainto_tsquery('public.mesa_spanish', regexp_replace(plain, '(es)?$', 'es'));
            ELSIF item.word ~ '^[0-9]{1,3}([.,][0-9]{3})+$' THEN
                found := found || plainto_tsquery('public.mesa_spanish', translate(item.word, '.,', ''));
            ELSIF item.word ~ '[[:alnum:]]@[[:alnum:]]' THEN
                found := found || (quote_literal(translate(public.fold(item.word), '\', '')) || ':*')::tsquery;
            END IF;
            IF item.growing AND NOT item.excluded THEN
                found := coalesce(found || public.search_beginning(parts), found);
            END IF;
        END IF;
        IF item.excluded THEN
            found := !!found;
        END IF;
        every := coalesce(every && found, found);
    END LOOP;
    RETURN coalesce(whole || every, whole, every);
END $$;

CREATE OR REPLACE FUNCTION articles_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.search :=
        setweight(search_words(NEW.title), 'A') ||
        setweight(search_words(NEW.incident), 'B') ||
        setweight(search_words(NEW.resolution), 'C') ||
        setweight(search_words(coalesce((
            SELECT string_agg(passage, E'\n') FROM jsonb_array_elements_text(NEW.steps || NEW.bibliography
                || jsonb_path_query_array(NEW."references", '$[*].title')) AS passage), '')), 'D');
    RETURN NEW;
END $$;
-- Articles whose steps are longer than is accepted keep their words until they are changed.
UPDATE articles SET title = title
WHERE jsonb_array_length(steps) <= 100 AND NOT jsonb_path_exists(
    steps, '$[*] ? (!(@.type() == "string" && @ like_regex "^.{1,250}.{0,250}$" flag "s"))');

-- The words of tickets are in a table of their own: the migration writes no ticket again, and neither does a step write the
-- words again. The requester's data have the least weight.
CREATE TABLE ticket_words (
    ticket_id bigint PRIMARY KEY,
    words     tsvector NOT NULL
);

CREATE FUNCTION words_of(t tickets) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN setweight(public.search_words(t.subject), 'A') || setweight(public.search_words(t.description), 'B')
        || setweight(public.search_words(concat_ws(' ', t.requester_full_name, t.requester_document_id,
            nullif(public.document_key(t.requester_document_id), t.requester_document_id),
            t.requester_unit_name, split_part(t.requester_email, '@', 1)))
            -- The host is the same for nearly all tickets: only the address as a whole is found.
            || to_tsvector('public.mesa_spanish', coalesce(t.requester_email, '')), 'D');
END $$;

INSERT INTO ticket_words SELECT t.id, words_of(t) FROM tickets t ORDER BY t.id;
-- Without the list of pending entries, which each of the many look-ups of a typing error would read.
CREATE INDEX ticket_words_idx ON ticket_words USING gin (words) WITH (fastupdate = off);

CREATE FUNCTION tickets_words() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ticket_words VALUES (NEW.id, words_of(NEW))
    ON CONFLICT (ticket_id) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END $$;
-- Not earlier: a reference that exists while rows are inserted locks and writes each ticket.
ALTER TABLE ticket_words ADD FOREIGN KEY (ticket_id) REFERENCES tickets ON DELETE CASCADE;
CREATE TRIGGER tickets_words_new AFTER INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION tickets_words();
CREATE TRIGGER tickets_words_changed AFTER UPDATE ON tickets FOR EACH ROW
    WHEN ((OLD.subject, OLD.description, OLD.requester_full_name, OLD.requester_document_id, OLD.requester_email, OLD.requester_unit_name)
        IS DISTINCT FROM (NEW.subject, NEW.description, NEW.requester_full_name, NEW.requester_document_id, NEW.requester_email, NEW.requester_unit_name))
    EXECUTE FUNCTION tickets_words();

-- Earlier versions of the server search this column, without an index and without the tickets that are new or changed since.
-- The next version removes it. Words that are replaced, such as those of an anonymized person, do not remain in it.
DROP TRIGGER tickets_search_new ON tickets;
DROP INDEX tickets_search_idx;
ALTER TABLE tickets ALTER COLUMN search DROP NOT NULL;
CREATE OR REPLACE FUNCTION tickets_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.search := NULL;
    RETURN NEW;
END $$;

-- Tickets of other copies of the server since the words were read; the triggers see all later ones.
INSERT INTO ticket_words SELECT t.id, words_of(t) FROM tickets t WHERE t.updated_at > now() - interval '1 hour'
ON CONFLICT (ticket_id) DO UPDATE SET words = EXCLUDED.words WHERE ticket_words.words <> EXCLUDED.words;
ANALYZE ticket_words;
