DROP FUNCTION openings_at(timestamptz);
DROP FUNCTION opening_extent(timestamptz, timestamptz);
