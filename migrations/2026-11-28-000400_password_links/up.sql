-- The links by which people set their password. The mail has the token, the database its SHA-256. Each account has at most
-- one link of a purpose: a new one replaces the one before.
CREATE TABLE password_links (
    user_id    uuid NOT NULL REFERENCES users,
    purpose    text NOT NULL CHECK (purpose IN ('reset', 'invitation')),
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    PRIMARY KEY (user_id, purpose)
);
CREATE INDEX password_links_expires_idx ON password_links (expires_at);

-- Requests for a link that are not processed yet, for whatever address, so that a request takes the same time whether
-- the address has an account or not.
CREATE TABLE password_reset_requests (
    id           uuid PRIMARY KEY,
    email        text NOT NULL CHECK (length(email) <= 254),
    requested_at timestamptz NOT NULL
);

ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN (
    'received', 'assigned', 'accepted', 'rescheduled', 'escalated', 'held', 'information_requested', 'resumed',
    'followup', 'due_soon', 'overdue', 'solved', 'closed', 'reopened', 'archived', 'survey_reminder',
    'action_overdue', 'password_reset', 'invitation'
));
-- A message about the recipient's own account is about neither a ticket nor an improvement action.
ALTER TABLE messages DROP CONSTRAINT messages_about;
ALTER TABLE messages ADD CONSTRAINT messages_about CHECK (
    num_nonnulls(ticket_id, improvement_action_id)
        = CASE WHEN kind IN ('password_reset', 'invitation') THEN 0 ELSE 1 END);
CREATE INDEX messages_about_account_idx ON messages (recipient_id)
    WHERE status = 'waiting' AND kind IN ('password_reset', 'invitation');
