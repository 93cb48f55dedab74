-- Personal data that the law (Ley 1581 de 2012) has taken out of the desk, without breaking the history: an event is hashed
-- over a digest of what it tells, so that what it tells can be taken out while its hash, its place, its time, its kind and
-- who did it stay verified.

CREATE TABLE anonymizations (
    user_id  uuid PRIMARY KEY REFERENCES users,
    at       timestamptz NOT NULL,
    by       uuid NOT NULL REFERENCES users,
    reason   text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    -- What changes with it changes in this transaction.
    made_in  xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE FUNCTION anonymizations_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was made anonymous stays so';
END $$;
CREATE TRIGGER anonymizations_keep BEFORE UPDATE OR DELETE ON anonymizations
    FOR EACH ROW EXECUTE FUNCTION anonymizations_keep();
CREATE TRIGGER anonymizations_keep_all BEFORE TRUNCATE ON anonymizations
    FOR EACH STATEMENT EXECUTE FUNCTION anonymizations_keep();

CREATE FUNCTION being_anonymized(person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM anonymizations WHERE user_id = person AND made_in = pg_current_xact_id())
$$;

-- The texts in a JSON document without what the pattern finds.
CREATE FUNCTION without_traces(document jsonb, pattern text, instead text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE jsonb_typeof(document)
        WHEN 'string' THEN to_jsonb(regexp_replace(document #>> '{}', pattern, instead, 'gi'))
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(without_traces(item, pattern, instead) ORDER BY place), '[]')
            FROM jsonb_array_elements(document) WITH ORDINALITY AS items (item, place))
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(name, without_traces(item, pattern, instead)), '{}')
            FROM jsonb_each(document) AS items (name, item))
        ELSE document
    END;
END $$;

-- The digest is over a salt as well, which goes with what is taken out: without it nobody can try out names and numbers
-- until the digest fits.
ALTER TABLE events
    ADD COLUMN data_salt   bytea CHECK (length(data_salt) = 16),
    ADD COLUMN data_digest bytea CHECK (length(data_digest) = 32);
CREATE FUNCTION event_digest(e events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(e.data_salt || convert_to(e.data::text, 'UTF8'))
$$;
ALTER FUNCTION event_hash(events) RENAME TO event_hash_before;
CREATE FUNCTION event_hash(e events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        encode(e.previous_hash, 'hex'), e.ticket_id, e.seq, e.id, e.kind, e.actor_id,
        extract(epoch FROM e.at), encode(e.data_digest, 'hex'))::text, 'UTF8'))
$$;

-- What did not hold before does not hold afterwards either: only a right hash and a right link are made anew.
ALTER TABLE events DISABLE TRIGGER events_keep;
ALTER TABLE histories DISABLE TRIGGER histories_keep;
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
        anew.data_salt := uuid_send(gen_random_uuid());
        anew.data_digest := event_digest(anew);
        IF e.previous_hash IS NOT DISTINCT FROM last_hash THEN
            anew.previous_hash := last_anew;
        END IF;
        IF e.hash = event_hash_before(e) THEN
            anew.hash := event_hash(anew);
        END IF;
        UPDATE events SET data_salt = anew.data_salt, data_digest = anew.data_digest,
            previous_hash = anew.previous_hash, hash = anew.hash WHERE id = e.id;
        UPDATE histories SET hash = anew.hash
        WHERE ticket_id = e.ticket_id AND events = e.seq AND hash = e.hash;
        last_hash := e.hash;
        last_anew := anew.hash;
    END LOOP;
END $$;
ALTER TABLE histories ENABLE TRIGGER histories_keep;
ALTER TABLE events ENABLE TRIGGER events_keep;
DROP FUNCTION event_hash_before(events);
ALTER TABLE events ALTER COLUMN data_digest SET NOT NULL;

CREATE OR REPLACE FUNCTION events_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last histories;
BEGIN
    SELECT h.* INTO last FROM histories h WHERE h.ticket_id = NEW.ticket_id FOR UPDATE;
    NEW.seq := coalesce(last.events, 0) + 1;
    NEW.previous_hash := last.hash;
    NEW.data_salt := uuid_send(gen_random_uuid());
    NEW.data_digest := event_digest(NEW);
    NEW.hash := event_hash(NEW);
    INSERT INTO histories (ticket_id, events, hash) VALUES (NEW.ticket_id, NEW.seq, NEW.hash)
    ON CONFLICT (ticket_id) DO UPDATE SET events = EXCLUDED.events, hash = EXCLUDED.hash;
    RETURN NEW;
END $$;

-- Nothing may change or remove an event; what it tells may be redacted while its requester is made anonymous.
CREATE OR REPLACE FUNCTION events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    redacted events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        redacted := OLD;
        redacted.data := NEW.data;
        redacted.data_salt := NULL;
        IF NEW IS NOT DISTINCT FROM redacted
            AND being_anonymized((SELECT t.requester_id FROM tickets t WHERE t.id = OLD.ticket_id)) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history cannot be changed';
END $$;

CREATE OR REPLACE FUNCTION followups_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    redacted followups := OLD;
BEGIN
    redacted.body := NEW.body;
    IF NEW IS NOT DISTINCT FROM redacted AND (being_anonymized(OLD.author_id)
        OR being_anonymized((SELECT t.requester_id FROM tickets t WHERE t.id = OLD.ticket_id))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a followup cannot be changed';
END $$;

CREATE OR REPLACE FUNCTION surveys_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    redacted surveys := OLD;
BEGIN
    redacted.comment := NULL;
    IF OLD.status = 'answered' AND NOT (NEW IS NOT DISTINCT FROM redacted AND being_anonymized(OLD.requester_id)) THEN
        RAISE EXCEPTION 'a survey is answered once';
    END IF;
    RETURN NEW;
END $$;

CREATE INDEX surveys_requester_idx ON surveys (requester_id, created_at, id);
CREATE INDEX followups_author_idx ON followups (author_id, created_at, id);
CREATE INDEX attachments_uploaded_by_idx ON attachments (uploaded_by, created_at, id);
CREATE INDEX inbound_emails_from_idx ON inbound_emails (from_address, received_at, id);
DROP INDEX messages_recipient_idx;
CREATE INDEX messages_recipient_idx ON messages (recipient_id, created_at, id);

ALTER TABLE events DROP CONSTRAINT events_kind_check;
ALTER TABLE events ADD CONSTRAINT events_kind_check CHECK (kind IN (
    'received', 'changed', 'classified', 'assigned', 'accepted', 'rescheduled',
    'escalated', 'held', 'information_requested', 'resumed', 'followup_added', 'followup_published',
    'file_attached', 'due_changed', 'due_soon', 'overdue', 'solved', 'closed',
    'reopened', 'archived', 'resubmitted', 'merged', 'duplicate_merged', 'related',
    'unrelated', 'anonymized'
));
