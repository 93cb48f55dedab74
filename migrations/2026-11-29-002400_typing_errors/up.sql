-- All words that differ from this one in a letter: one too many, one missing, another one, or two that are exchanged. As
-- lexemes. They are computed, and looked up in the indexes of the words: no list of known words has to be kept up to date and
-- rid of erased names, and no extension is needed.
CREATE FUNCTION search_neighbours(word text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT tsvector_to_array(to_tsvector('public.mesa_spanish', string_agg(neighbour, ' ')))
        FROM generate_series(0, length(word)) AS place
        CROSS JOIN LATERAL (
            SELECT left(word, place) || letter || substr(word, place + 1 + cut)
            FROM regexp_split_to_table('abcdefghijklmnopqrstuvwxyz', '') AS letter, generate_series(0, 1) AS cut
            UNION SELECT left(word, place) || substr(word, place + 2)
            UNION SELECT left(word, place) || reverse(substr(word, place + 1, 2)) || substr(word, place + 3)
        ) AS neighbours (neighbour));
END $$;

-- Those of the lexemes that occur in tickets with their followups, in articles, or in the articles that requesters may read.
-- The planner takes many rare words for frequent ones.
CREATE FUNCTION search_known(lexemes text[], place text) RETURNS text[] LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET enable_seqscan = off SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF place = 'tickets' THEN
        RETURN (SELECT array_agg(lexeme) FROM unnest(lexemes) AS lexeme
            WHERE EXISTS (SELECT FROM ticket_words w WHERE w.words @@ quote_literal(lexeme)::tsquery)
                OR EXISTS (SELECT FROM followup_words w WHERE w.words @@ quote_literal(lexeme)::tsquery));
    ELSIF place = 'articles' THEN
        RETURN (SELECT array_agg(lexeme) FROM unnest(lexemes) AS lexeme
            WHERE EXISTS (SELECT FROM articles a WHERE a.search @@ quote_literal(lexeme)::tsquery));
    ELSIF place = 'public articles' THEN
        RETURN (SELECT array_agg(lexeme) FROM unnest(lexemes) AS lexeme
            WHERE EXISTS (SELECT FROM articles a WHERE a.search @@ quote_literal(lexeme)::tsquery
                AND a.status = 'published' AND a.visibility = 'public'));
    END IF;
    RETURN lexemes;
END $$;

-- The same as `search_query`, with a typing error in each of the first words of at least five letters. `place` is that of
-- `search_known`; with another one, such as 'own', no index is read.
CREATE FUNCTION search_near(typed text, place text) RETURNS tsquery LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found tsquery := public.search_query(typed);
    wrong text;
    lexemes text[];
BEGIN
    FOR wrong IN
        SELECT DISTINCT word FROM (
            SELECT unnest(regexp_split_to_array(public.fold(public.search_parts(item[1])), ' +')) AS word
            FROM regexp_matches(regexp_replace(translate(typed, '“”«»', '""""'), '-?"[^"]*"?', ' ', 'g'),
                '(?:^|[[:space:]])([^-[:space:]][^[:space:]]*)', 'g') AS item) AS words
        WHERE word ~ '^[a-z]{5,20}$' LIMIT 5
    LOOP
        lexemes := public.search_known(public.search_neighbours(wrong), place);
        IF lexemes <> '{}' AND length(to_tsvector('public.mesa_spanish', wrong)) > 0 THEN
            found := ts_rewrite(found, plainto_tsquery('public.mesa_spanish', wrong),
                (SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery FROM unnest(lexemes) AS lexeme));
        END IF;
    END LOOP;
    RETURN found;
END $$;

-- A typing error is looked up many times: each look-up would read the list of pending entries.
ALTER INDEX articles_search_idx SET (fastupdate = off);
ALTER INDEX articles_public_search_idx SET (fastupdate = off);
SELECT gin_clean_pending_list('articles_search_idx'), gin_clean_pending_list('articles_public_search_idx');
