-- Chance that falls the same at every run with the same seed, and what is made of it.

-- From 0 to below 1: by what is asked about which one.
CREATE FUNCTION pg_temp.chance(one bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashtextextended(what, one + {seed} * 1000003) & 4294967295)::float8 / 4294967296
$$;
-- A whole number from 1 to `most`.
CREATE FUNCTION pg_temp.pick(one bigint, what text, most integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT 1 + floor(pg_temp.chance(one, what) * most)::integer
$$;
-- A time in seconds, more often short than long, of so many minutes in the mean.
CREATE FUNCTION pg_temp.wait(one bigint, what text, mean float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT 20 - ln(1 - pg_temp.chance(one, what)) * mean * 60
$$;
-- An id in the order of time, as the desk makes them.
CREATE FUNCTION pg_temp.id_of(at timestamptz, what text, one bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' ||
        substr(hash, 4, 15))::uuid
    FROM md5(what || ' ' || one || ' {seed}') AS hash
$$;
-- A moment as the history writes it.
CREATE FUNCTION pg_temp.told(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
-- What an event tells: the fields that changed, each as name, from and to; a field that stays as it was is left out.
CREATE FUNCTION pg_temp.data(changes text[], details jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('changes', coalesce((
        SELECT jsonb_agg(jsonb_build_object('field', changes[n], 'from', changes[n + 1], 'to', changes[n + 2]) ORDER BY n)
        FROM generate_series(1, coalesce(cardinality(changes), 0), 3) AS n
        WHERE changes[n + 1] IS DISTINCT FROM changes[n + 2]), '[]'), 'details', details)
$$;
-- From 1 to 5, more often high than low; none where nobody answered.
CREATE FUNCTION pg_temp.rating(one bigint, what text, answered_at timestamptz) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN answered_at IS NOT NULL THEN (1 + floor(sqrt(pg_temp.chance(one, what)) * 5))::smallint END
$$;
