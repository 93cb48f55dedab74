-- Mail that comes in, and people whom the desk knows by their mail alone.

-- Somebody without a password cannot sign in until staff give them one.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
UPDATE users SET password_hash = NULL WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$bm8gcGFzc3dvcmQ$%';

-- A request whose minimum data are short is registered and archived at once; no other may lack them.
ALTER TABLE tickets
    ALTER COLUMN requester_document_id DROP NOT NULL,
    ALTER COLUMN requester_unit_id DROP NOT NULL,
    ALTER COLUMN requester_unit_name DROP NOT NULL,
    DROP CONSTRAINT tickets_check,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT DISTINCT FROM 'missing_information'
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL)),
    ADD CONSTRAINT tickets_requester_unit CHECK ((requester_unit_id IS NULL) = (requester_unit_name IS NULL));

-- A ticket that goes on where a closed one ended.
ALTER TABLE ticket_relations
    DROP CONSTRAINT ticket_relations_kind_check,
    ADD CONSTRAINT ticket_relations_kind_check
        CHECK (kind IN ('duplicate_of', 'caused_by', 'parent_of', 'continues'));

-- Every message as it came. Its content is in the object store under `storage_key`.
CREATE TABLE inbound_emails (
    id              uuid PRIMARY KEY,
    source          text NOT NULL CHECK (source IN ('api', 'command', 'imap')),
    received_at     timestamptz NOT NULL,
    size            bigint NOT NULL CHECK (size > 0),
    sha256          text NOT NULL CHECK (length(sha256) = 64),
    storage_key     text NOT NULL,
    -- What tells it from every other message, so that none is taken twice: made of its Message-ID, or where it has none of
    -- what its author wrote.
    identity        text NOT NULL UNIQUE CHECK (length(identity) BETWEEN 1 AND 700),
    -- Of the header fields and the body that its author made, however it came here.
    author_hash     text NOT NULL CHECK (length(author_hash) = 64),
    message_id      text CHECK (length(message_id) <= 500),
    from_address    text CHECK (length(from_address) <= 254),
    subject         text NOT NULL CHECK (length(subject) <= 200),
    status          text NOT NULL CHECK (status IN ('waiting', 'processed', 'set_aside', 'ignored')),
    reason          text,
    -- What it became.
    ticket_id       bigint REFERENCES tickets,
    followup_id     uuid REFERENCES followups,
    refused_files   text[] NOT NULL DEFAULT '{}',
    -- How often it was tried, and when it is tried next while it waits.
    attempts        smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL,
    processed_at    timestamptz,
    -- Who let it in whoever wrote it.
    released_by     uuid REFERENCES users,
    version         integer NOT NULL DEFAULT 1,
    CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_inactive',
            'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END),
    CHECK ((status = 'processed') = (ticket_id IS NOT NULL)),
    CHECK ((status = 'waiting') = (processed_at IS NULL)),
    CHECK (followup_id IS NULL OR ticket_id IS NOT NULL)
);
CREATE INDEX inbound_emails_received_at_idx ON inbound_emails (received_at, id);
CREATE INDEX inbound_emails_status_idx ON inbound_emails (status, received_at, id);
CREATE INDEX inbound_emails_next_attempt_idx ON inbound_emails (next_attempt_at, id) WHERE status = 'waiting';
CREATE INDEX inbound_emails_sender_idx ON inbound_emails (from_address, processed_at) WHERE status = 'processed';
CREATE INDEX inbound_emails_message_id_idx ON inbound_emails (message_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX inbound_emails_ticket_idx ON inbound_emails (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX inbound_emails_followup_idx ON inbound_emails (followup_id) WHERE followup_id IS NOT NULL;

-- What came in stays as it came.
CREATE FUNCTION inbound_emails_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a message that came in cannot be changed';
END $$;
CREATE TRIGGER inbound_emails_keep
    BEFORE UPDATE OF id, source, received_at, size, sha256, storage_key, identity, author_hash, message_id ON inbound_emails
    FOR EACH ROW EXECUTE FUNCTION inbound_emails_keep();
