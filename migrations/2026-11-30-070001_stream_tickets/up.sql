-- Tickets with which a browser opens a stream of events, since `EventSource` cannot send `Authorization`: each is used once,
-- within half a minute. Only its SHA-256 is kept. The stream ends with the sign-in (`era`) or the key that the ticket was made
-- with, and when the access token would have expired; NULL for a key, which has its own end.
CREATE TABLE stream_tickets (
    token_hash            bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id               uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    era                   integer NOT NULL,
    key_id                uuid REFERENCES access_keys ON DELETE CASCADE,
    credential_expires_at timestamptz,
    expires_at            timestamptz NOT NULL
);
CREATE INDEX stream_tickets_user_idx ON stream_tickets (user_id, expires_at);
CREATE INDEX stream_tickets_expires_at_idx ON stream_tickets (expires_at);
