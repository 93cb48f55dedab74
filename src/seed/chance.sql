-- Pseudorandom values: the same in every run with the same seed.

-- From 0 (inclusive) to 1 (exclusive), determined by `what` and `one`.
CREATE FUNCTION pg_temp.chance(one bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashtextextended(what, one + {seed} * 1000003) & 4294967295)::float8 / 4294967296
$$;
-- An integer from 1 to `most`.
CREATE FUNCTION pg_temp.pick(one bigint, what text, most integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT 1 + floor(pg_temp.chance(one, what) * most)::integer
$$;
-- A duration in seconds, exponentially distributed, with a mean of `mean` minutes.
CREATE FUNCTION pg_temp.wait(one bigint, what text, mean float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT 20 - ln(1 - pg_temp.chance(one, what)) * mean * 60
$$;
-- An id that sorts by time, like the ids that the server generates.
CREATE FUNCTION pg_temp.id_of(at timestamptz, what text, one bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' ||
        substr(hash, 4, 15))::uuid
    FROM md5(what || ' ' || one || ' {seed}') AS hash
$$;
-- A moment in the format of the history.
CREATE FUNCTION pg_temp.told(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
-- The data of an event: the changed fields, each as name, from and to; unchanged fields are omitted.
CREATE FUNCTION pg_temp.data(changes text[], details jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('changes', coalesce((
        SELECT jsonb_agg(jsonb_build_object('field', changes[n], 'from', changes[n + 1], 'to', changes[n + 2]) ORDER BY n)
        FROM generate_series(1, coalesce(cardinality(changes), 0), 3) AS n
        WHERE changes[n + 1] IS DISTINCT FROM changes[n + 2]), '[]'), 'details', details)
$$;
-- From 1 to 5, more often high than low; null if there is no answer.
CREATE FUNCTION pg_temp.rating(one bigint, what text, answered_at timestamptz) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN answered_at IS NOT NULL THEN (1 + floor(sqrt(pg_temp.chance(one, what)) * 5))::smallint END
$$;
