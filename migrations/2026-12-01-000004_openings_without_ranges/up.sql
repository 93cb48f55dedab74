-- The previous version reads the column `open_during`, which a later migration removes: without the index it needs longer for
-- the backlog of a past moment.
DROP INDEX CONCURRENTLY IF EXISTS openings_open_during_idx;
