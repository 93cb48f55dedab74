CREATE OR REPLACE FUNCTION surveys_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'answered' THEN
        RAISE EXCEPTION 'a survey is answered once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION followups_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a followup cannot be changed';
END $$;
CREATE OR REPLACE FUNCTION events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history cannot be changed';
END $$;
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

ALTER FUNCTION event_hash(events) RENAME TO event_hash_before;
CREATE FUNCTION event_hash(e events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        encode(e.previous_hash, 'hex'), e.ticket_id, e.seq, e.id, e.kind, e.actor_id,
        extract(epoch FROM e.at), e.data)::text, 'UTF8'))
$$;

-- A redacted event is hashed over what it tells now. The version before knows nothing of people made anonymous.
ALTER TABLE events DROP CONSTRAINT events_kind_check;
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
        IF e.kind = 'anonymized' THEN
            anew.kind := 'changed';
        END IF;
        IF e.previous_hash IS NOT DISTINCT FROM last_hash THEN
            anew.previous_hash := last_anew;
        END IF;
        IF e.hash = event_hash_before(e) AND (e.data_salt IS NULL OR e.data_digest = event_digest(e)) THEN
            anew.hash := event_hash(anew);
        END IF;
        UPDATE events SET kind = anew.kind, previous_hash = anew.previous_hash, hash = anew.hash WHERE id = e.id;
        UPDATE histories SET hash = anew.hash
        WHERE ticket_id = e.ticket_id AND events = e.seq AND hash = e.hash;
        last_hash := e.hash;
        last_anew := anew.hash;
    END LOOP;
END $$;
ALTER TABLE histories ENABLE TRIGGER histories_keep;
ALTER TABLE events ENABLE TRIGGER events_keep;
DROP FUNCTION event_hash_before(events);
DROP FUNCTION event_digest(events);
ALTER TABLE events
    DROP COLUMN data_salt,
    DROP COLUMN data_digest,
    ADD CONSTRAINT events_kind_check CHECK (kind IN (
        'received', 'changed', 'classified', 'assigned', 'accepted', 'rescheduled',
        'escalated', 'held', 'information_requested', 'resumed', 'followup_added', 'followup_published',
        'file_attached', 'due_changed', 'due_soon', 'overdue', 'solved', 'closed',
        'reopened', 'archived', 'resubmitted', 'merged', 'duplicate_merged', 'related',
        'unrelated'
    ));

DROP INDEX messages_recipient_idx;
CREATE INDEX messages_recipient_idx ON messages (recipient_id);
DROP INDEX inbound_emails_from_idx;
DROP INDEX attachments_uploaded_by_idx;
DROP INDEX followups_author_idx;
DROP INDEX surveys_requester_idx;
DROP FUNCTION without_traces(jsonb, text, text);
DROP FUNCTION being_anonymized(uuid);
DROP TABLE anonymizations;
DROP FUNCTION anonymizations_keep();
