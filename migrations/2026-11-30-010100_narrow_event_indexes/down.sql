DROP INDEX events_timeline_idx;
CREATE INDEX events_timeline_idx ON events (ticket_id, at, id);
CREATE INDEX events_at_idx ON events (at);
