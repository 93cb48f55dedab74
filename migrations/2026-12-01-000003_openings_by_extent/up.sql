CREATE INDEX CONCURRENTLY IF NOT EXISTS openings_extent_idx ON openings (opening_extent(opened_at, ended_at), opened_at);
