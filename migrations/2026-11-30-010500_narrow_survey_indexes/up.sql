-- As those of messages.
DROP INDEX surveys_created_at_idx;
CREATE INDEX surveys_created_at_idx ON surveys (created_at);
DROP INDEX surveys_offered_at_idx;
CREATE INDEX surveys_offered_at_idx ON surveys (offered_at);
