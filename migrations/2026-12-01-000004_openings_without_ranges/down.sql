CREATE INDEX CONCURRENTLY IF NOT EXISTS openings_open_during_idx ON openings USING gist (open_during);
