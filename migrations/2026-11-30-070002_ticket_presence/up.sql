-- Who has a ticket open at this moment. Each row is valid until `expires_at`, a minute after it was last repeated; NULL as
-- activity: the person has left. UNLOGGED: what a crash of PostgreSQL loses would have expired before the server answers again,
-- and a repetition every half minute of everybody writes no WAL and waits for no disk. It is in the database so that each
-- copy of the server knows it.
CREATE UNLOGGED TABLE ticket_presence (
    ticket_id  bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    activity   text CHECK (activity IN ('viewing', 'replying')),
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > seen_at),
    PRIMARY KEY (ticket_id, user_id)
);
CREATE INDEX ticket_presence_seen_idx ON ticket_presence (seen_at);
CREATE INDEX ticket_presence_user_idx ON ticket_presence (user_id, seen_at);
