DROP INDEX CONCURRENTLY openings_extent_idx;
