-- When autovacuum vacuums and analyzes tables that are updated all the time or that become large. PostgreSQL's own settings wait for
-- a fifth of a table (a tenth to analyze it), which is years of a large desk. The statements block neither reads nor changes.
--
-- No fillfactor: of 600 lives over the API, 99.8 % of the updates of `histories` and 80 % of those of `ticket_facts` stayed in their
-- pages without it (HOT), and 100 % and 80 % with it. Steps change indexed columns of `tickets` and `openings`: none were HOT.

-- Each step updates the row of its ticket.
ALTER TABLE tickets SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE histories SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE ticket_facts SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE openings SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE attentions SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
-- Only inserted.
ALTER TABLE events SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
-- Updated when a message is sent, and at each attempt to deliver.
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE webhook_deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
-- Inserted with each POST that has a key, deleted after a day.
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
-- Few rows, updated every few seconds.
ALTER TABLE background_tasks SET (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE ticket_presence SET (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
