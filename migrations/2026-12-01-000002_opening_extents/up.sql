-- What was open at a moment, by B-tree indexes: openings are grouped by the power of two, in seconds, that their length does
-- not exceed. Those of one group that contain a moment began at most that long before it.

-- 99 for what is open.
CREATE FUNCTION opening_extent(opened_at timestamptz, ended_at timestamptz) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ended_at IS NULL THEN 99
        ELSE ceil(ln(greatest(extract(epoch FROM ended_at - opened_at)::float8, 1)) / ln(2::float8)) END::smallint
$$;

-- What was opened before this moment and not ended before it. The length of 2^33 seconds is 272 years; the additional second
-- makes up for the rounding of logarithms.
CREATE FUNCTION openings_at(moment timestamptz) RETURNS TABLE (
        ticket_id bigint, opened_at timestamptz, ended_at timestamptz, outcome text)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT found.*
    FROM generate_series(0, 34) AS number
    CROSS JOIN LATERAL (SELECT CASE number WHEN 34 THEN 99 ELSE number END::smallint AS extent,
        CASE number WHEN 34 THEN '-infinity' ELSE moment - make_interval(secs => 2::float8 ^ number + 1) END AS earliest) AS groups
    -- Looked up group by group, by the index: PostgreSQL overestimates what a group has, and would read all openings.
    CROSS JOIN LATERAL (
        SELECT o.ticket_id, o.opened_at, o.ended_at, o.outcome FROM public.openings o
        WHERE public.opening_extent(o.opened_at, o.ended_at) = groups.extent AND o.opened_at >= groups.earliest
            AND o.opened_at < moment AND coalesce(o.ended_at >= moment, true)
        OFFSET 0
    ) AS found
$$;
