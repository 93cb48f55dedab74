-- How tickets relate to each other, who hears of a ticket besides its requester, who was head of the unit when a
-- ticket came in, and a history whose last events cannot be cut off unnoticed.

-- A relation as one end has it; the other end has the inverse. `parent_of`: `ticket_id` is the parent.
CREATE TABLE ticket_relations (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('duplicate_of', 'caused_by', 'parent_of')),
    ticket_id  bigint NOT NULL REFERENCES tickets,
    related_id bigint NOT NULL REFERENCES tickets,
    created_by uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    CHECK (ticket_id <> related_id)
);
CREATE UNIQUE INDEX ticket_relations_once_idx ON ticket_relations (ticket_id, kind, related_id);
CREATE INDEX ticket_relations_ticket_idx ON ticket_relations (ticket_id, created_at, id);
CREATE INDEX ticket_relations_related_idx ON ticket_relations (related_id, created_at, id);

-- No ticket is its own ancestor, cause or duplicate. One insertion at a time, so that two at once do not close a circle
-- that neither sees.
CREATE FUNCTION ticket_relations_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('ticket_relations'::regclass::oid::bigint);
    IF EXISTS (
        WITH RECURSIVE reached (id) AS (
            SELECT NEW.related_id
            UNION
            SELECT r.related_id FROM ticket_relations r JOIN reached ON r.ticket_id = reached.id
            WHERE r.kind = NEW.kind
        )
        SELECT FROM reached WHERE reached.id = NEW.ticket_id
    ) THEN
        RAISE EXCEPTION 'relations of one kind lead in a circle'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_relations_circle';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ticket_relations_no_circle BEFORE INSERT OR UPDATE ON ticket_relations
    FOR EACH ROW EXECUTE FUNCTION ticket_relations_no_circle();

-- Who is told what the requester of a ticket is told in public.
CREATE TABLE ticket_watchers (
    ticket_id bigint NOT NULL REFERENCES tickets,
    user_id   uuid NOT NULL REFERENCES users,
    since     timestamptz NOT NULL,
    added_by  uuid NOT NULL REFERENCES users,
    reason    text NOT NULL CHECK (reason IN ('duplicate_merged')),
    PRIMARY KEY (ticket_id, user_id)
);
CREATE INDEX ticket_watchers_since_idx ON ticket_watchers (ticket_id, since, user_id);

-- The head of the requester's unit when the ticket came in. Of tickets from before this was kept, the present head is
-- all that is known.
ALTER TABLE tickets ADD COLUMN reception_head_id uuid REFERENCES users;
UPDATE tickets t SET reception_head_id = u.head_id FROM units u WHERE u.id = t.requester_unit_id;
CREATE FUNCTION tickets_keep_reception() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what held at reception cannot be changed';
END $$;
CREATE TRIGGER tickets_keep_reception BEFORE UPDATE OF reception_head_id ON tickets FOR EACH ROW
    WHEN (OLD.reception_head_id IS DISTINCT FROM NEW.reception_head_id)
    EXECUTE FUNCTION tickets_keep_reception();

-- What each event is hashed over: a JSON array, so that no two events are written the same, whatever is in them. The
-- time is in seconds with its microseconds.
ALTER FUNCTION event_hash(events) RENAME TO event_hash_before;
CREATE FUNCTION event_hash(e events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        encode(e.previous_hash, 'hex'), e.ticket_id, e.seq, e.id, e.kind, e.actor_id,
        extract(epoch FROM e.at), e.data)::text, 'UTF8'))
$$;

-- What did not hold before does not hold afterwards either: only a right hash and a right link are made anew.
ALTER TABLE events DISABLE TRIGGER events_keep;
DO $$
DECLARE
    e         events;
    anew      events;
    ticket    bigint;
    last_hash bytea;
    last_anew bytea;
BEGIN
    FOR e IN SELECT * FROM events ORDER BY ticket_id, seq LOOP
        IF e.ticket_id IS DISTINCT FROM ticket THEN
            ticket := e.ticket_id;
            last_hash := NULL;
            last_anew := NULL;
        END IF;
        anew := e;
        IF e.previous_hash IS NOT DISTINCT FROM last_hash THEN
            anew.previous_hash := last_anew;
        END IF;
        IF e.hash = event_hash_before(e) THEN
            anew.hash := event_hash(anew);
        END IF;
        UPDATE events SET previous_hash = anew.previous_hash, hash = anew.hash WHERE id = e.id;
        last_hash := e.hash;
        last_anew := anew.hash;
    END LOOP;
END $$;
ALTER TABLE events ENABLE TRIGGER events_keep;
DROP FUNCTION event_hash_before(events);

-- How many events a ticket has and the hash of the last one, so that the end of a history cannot be cut off unnoticed.
CREATE TABLE histories (
    ticket_id bigint PRIMARY KEY REFERENCES tickets,
    events    integer NOT NULL CHECK (events > 0),
    hash      bytea NOT NULL
);
INSERT INTO histories (ticket_id, events, hash)
SELECT DISTINCT ON (ticket_id) ticket_id, seq, hash FROM events ORDER BY ticket_id, seq DESC;

CREATE OR REPLACE FUNCTION events_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last histories;
BEGIN
    SELECT h.* INTO last FROM histories h WHERE h.ticket_id = NEW.ticket_id FOR UPDATE;
    NEW.seq := coalesce(last.events, 0) + 1;
    NEW.previous_hash := last.hash;
    NEW.hash := event_hash(NEW);
    INSERT INTO histories (ticket_id, events, hash) VALUES (NEW.ticket_id, NEW.seq, NEW.hash)
    ON CONFLICT (ticket_id) DO UPDATE SET events = EXCLUDED.events, hash = EXCLUDED.hash;
    RETURN NEW;
END $$;

-- Written by the trigger above alone.
CREATE FUNCTION histories_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 OR TG_OP IN ('DELETE', 'TRUNCATE') THEN
        RAISE EXCEPTION 'the history cannot be changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER histories_keep BEFORE INSERT OR UPDATE OR DELETE ON histories
    FOR EACH ROW EXECUTE FUNCTION histories_keep();
CREATE TRIGGER histories_keep_all BEFORE TRUNCATE ON histories
    FOR EACH STATEMENT EXECUTE FUNCTION histories_keep();

-- The timeline is read in order of time.
CREATE INDEX events_timeline_idx ON events (ticket_id, at, id);
DROP INDEX messages_ticket_idx;
CREATE INDEX messages_ticket_idx ON messages (ticket_id, created_at, id);
