-- Who did what, when, from what to what. Each event of a ticket carries the SHA-256 of itself and of the hash before
-- it, reckoned here so that no writer can leave it out; nothing may change or remove an event.
CREATE TABLE events (
    id            uuid NOT NULL PRIMARY KEY,
    ticket_id     bigint NOT NULL REFERENCES tickets,
    seq           integer NOT NULL,
    kind          text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    actor_id      uuid REFERENCES users,
    at            timestamptz NOT NULL,
    data          jsonb NOT NULL,
    previous_hash bytea,
    hash          bytea NOT NULL,
    UNIQUE (ticket_id, seq),
    CHECK ((seq = 1) = (previous_hash IS NULL))
);
CREATE INDEX events_at_idx ON events (at);

CREATE FUNCTION event_hash(e events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(coalesce(e.previous_hash, ''::bytea) || convert_to(concat_ws('|',
        e.ticket_id, e.seq, e.id, e.kind, coalesce(e.actor_id::text, '-'),
        (extract(epoch FROM e.at) * 1000000)::bigint, e.data::text), 'UTF8'))
$$;

CREATE FUNCTION events_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  integer;
    last_hash bytea;
BEGIN
    SELECT e.seq, e.hash INTO last_seq, last_hash
    FROM events e WHERE e.ticket_id = NEW.ticket_id ORDER BY e.seq DESC LIMIT 1;
    NEW.seq := coalesce(last_seq, 0) + 1;
    NEW.previous_hash := last_hash;
    NEW.hash := event_hash(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER events_chain BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION events_chain();

CREATE FUNCTION events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history cannot be changed';
END $$;
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_keep();
CREATE TRIGGER events_keep_all BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_keep();

-- Messages that a change causes, written with the change and sent after it.
CREATE TABLE messages (
    id           uuid PRIMARY KEY,
    ticket_id    bigint NOT NULL REFERENCES tickets,
    kind         text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    recipient_id uuid NOT NULL REFERENCES users,
    data         jsonb NOT NULL,
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'failed')),
    created_at   timestamptz NOT NULL
);
CREATE INDEX messages_waiting_idx ON messages (created_at, id) WHERE status = 'waiting';
CREATE INDEX messages_ticket_idx ON messages (ticket_id, created_at);
