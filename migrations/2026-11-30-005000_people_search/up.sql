-- A person is found by any part of the name, the address and the number of the document. The index holds all groups of three
-- characters of these: a part is looked up by its own groups, without a scan and without an extension.
CREATE FUNCTION trigrams(texts text[]) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    SELECT coalesce(array_agg(DISTINCT substr(part, place, 3)), '{}')
    FROM unnest($1) AS part, generate_series(1, length(part) - 2) AS place
$$;

-- What a person is found by. An address that stands for none is generated: its digits would be taken for those of a document.
CREATE FUNCTION person_texts(name_key text, email text, document_id text) RETURNS text[] LANGUAGE plpgsql
    IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY[$1, CASE WHEN $2 !~ '\.invalid$' THEN public.fold($2) END, public.fold($3),
        lower(public.document_key($3))];
END $$;

-- The parts of which a person must have all: words, or the number of a document, however it is written.
CREATE FUNCTION person_parts(typed text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    number text := public.document_key(typed);
BEGIN
    IF number ~ '^[0-9]{5,}$' THEN
        RETURN ARRAY[number];
    END IF;
    RETURN array_remove(regexp_split_to_array(public.fold(public.clean_name(typed)), '[[:space:]]+'), '');
END $$;

CREATE FUNCTION has_parts(texts text[], parts text[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    COST 100 AS $$
DECLARE
    whole text := array_to_string(texts, E'\n');
    part text;
BEGIN
    FOREACH part IN ARRAY parts LOOP
        IF strpos(whole, part) = 0 THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

CREATE INDEX users_texts_idx ON users USING gin (trigrams(person_texts(full_name_key, email, document_id)))
    WITH (fastupdate = off);
-- For the frequency of each group.
ANALYZE users;
