-- Narrower indexes. Nearly every message of a page has another time, so that the order by id among those of the same
-- time is made when the page is read.
DROP INDEX messages_kind_idx;
CREATE INDEX messages_kind_idx ON messages (kind, created_at);
DROP INDEX messages_status_idx;
CREATE INDEX messages_status_idx ON messages (status, created_at);
DROP INDEX messages_ticket_idx;
CREATE INDEX messages_ticket_idx ON messages (ticket_id, created_at);
DROP INDEX messages_created_at_idx;
CREATE INDEX messages_created_at_idx ON messages (created_at);
-- All messages to a person are read for the export and the removal of personal data, in no order by time.
DROP INDEX messages_recipient_idx;
CREATE INDEX messages_recipient_idx ON messages (recipient_id);
