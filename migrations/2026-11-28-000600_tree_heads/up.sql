-- One entry for each event: verification looks entries up by event.
CREATE UNIQUE INDEX log_entries_event_idx ON log_entries (event_id);

-- Events of one ticket that one statement writes are logged in the order of the ticket's history.
CREATE FUNCTION log_added_ticket_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_entries (source, event_id, hash)
    SELECT 'ticket', a.id, a.hash FROM added a ORDER BY a.at, a.ticket_id, a.seq;
    RETURN NULL;
END $$;
DROP TRIGGER events_log ON events;
CREATE TRIGGER events_log AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_added_ticket_events();

-- Signed tree heads: the size and the root of the Merkle tree (RFC 6962) over the hashes of log_entries by position.
CREATE TABLE tree_heads (
    size     bigint NOT NULL PRIMARY KEY CHECK (size > 0),
    root     bytea NOT NULL CHECK (length(root) = 32),
    at       timestamptz NOT NULL,
    reason   text NOT NULL CHECK (reason IN ('start', 'daily', 'report_approved')),
    -- The roots of the perfect subtrees that the leaves make up, from the largest on: the next head is computed from
    -- these and the new leaves.
    frontier bytea NOT NULL CHECK (length(frontier) % 32 = 0),
    -- Of the key that signed it, as in the signature line of the note.
    key_id   text NOT NULL CHECK (length(key_id) = 8),
    -- A C2SP checkpoint in a C2SP signed note.
    note     text NOT NULL CHECK (length(note) <= 2000)
);
CREATE FUNCTION tree_heads_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a tree head cannot be changed';
END $$;
CREATE TRIGGER tree_heads_keep BEFORE UPDATE OR DELETE ON tree_heads
    FOR EACH ROW EXECUTE FUNCTION tree_heads_keep();
CREATE TRIGGER tree_heads_keep_all BEFORE TRUNCATE ON tree_heads
    FOR EACH STATEMENT EXECUTE FUNCTION tree_heads_keep();

-- Tree heads to be mailed to auditors, who are addresses of the configuration and need no account.
CREATE TABLE tree_head_mails (
    size            bigint NOT NULL REFERENCES tree_heads,
    address         text NOT NULL CHECK (length(address) BETWEEN 3 AND 320),
    attempts        smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL,
    last_error      text CHECK (length(last_error) <= 1000),
    sent_at         timestamptz,
    PRIMARY KEY (size, address)
);
CREATE INDEX tree_head_mails_waiting_idx ON tree_head_mails (next_attempt_at) WHERE sent_at IS NULL;
