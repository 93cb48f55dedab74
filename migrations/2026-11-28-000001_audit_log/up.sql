-- What happens to people, catalogues, configuration, sign-ins and exports. The fields that changed and further details are
-- hashed by way of a salted digest, as those of ticket events are, so that personal data can be redacted by law.
CREATE TABLE audit_events (
    id          uuid NOT NULL PRIMARY KEY,
    kind        text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    resource    text NOT NULL CHECK (length(resource) BETWEEN 1 AND 50),
    -- The UUID or the key of the resource; null for a resource of which there is only one.
    resource_id text CHECK (length(resource_id) BETWEEN 1 AND 200),
    actor_id    uuid REFERENCES users,
    at          timestamptz NOT NULL,
    data        jsonb NOT NULL,
    data_salt   bytea CHECK (length(data_salt) = 16),
    data_digest bytea NOT NULL CHECK (length(data_digest) = 32),
    hash        bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_events_at_idx ON audit_events (at, id);
CREATE INDEX audit_events_resource_idx ON audit_events (resource, resource_id, at, id);
CREATE INDEX audit_events_actor_idx ON audit_events (actor_id, at, id);

CREATE FUNCTION audit_event_digest(e audit_events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(e.data_salt || convert_to(e.data::text, 'UTF8'))
$$;
CREATE FUNCTION audit_event_hash(e audit_events) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        e.id, e.kind, e.resource, e.resource_id, e.actor_id, extract(epoch FROM e.at),
        encode(e.data_digest, 'hex'))::text, 'UTF8'))
$$;

CREATE FUNCTION audit_events_hash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.data_salt := uuid_send(gen_random_uuid());
    NEW.data_digest := audit_event_digest(NEW);
    NEW.hash := audit_event_hash(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER audit_events_hash BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_hash();

-- Whether the fields are the same, and each value is as before or was replaced by the mark of a redaction.
CREATE FUNCTION is_redaction(before jsonb, after jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_array_length(before -> 'changes') = jsonb_array_length(after -> 'changes')
        AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(before -> 'changes') WITH ORDINALITY AS old (change, place)
            JOIN jsonb_array_elements(after -> 'changes') WITH ORDINALITY AS new (change, place) USING (place)
            WHERE old.change -> 'field' <> new.change -> 'field'
                OR old.change -> 'from' <> new.change -> 'from' AND (new.change -> 'from')::text NOT LIKE '%[…]%'
                OR old.change -> 'to' <> new.change -> 'to' AND (new.change -> 'to')::text NOT LIKE '%[…]%')
        AND (after -> 'details' IN (before -> 'details', '{}') OR (after -> 'details')::text LIKE '%[…]%')
$$;

-- Nothing may change or remove an event. Its data may be redacted while the person it is about, or who caused it, is
-- made anonymous.
CREATE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    redacted audit_events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        redacted := OLD;
        redacted.data := NEW.data;
        redacted.data_salt := NULL;
        IF NEW IS NOT DISTINCT FROM redacted AND is_redaction(OLD.data, NEW.data) AND (being_anonymized(OLD.actor_id)
            OR EXISTS (SELECT FROM anonymizations a
                       WHERE a.user_id::text = OLD.resource_id AND being_anonymized(a.user_id))) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log cannot be changed';
END $$;
CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_keep();
CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_keep();

-- One entry for each event of a ticket and each audit event, with its hash: the leaves of one Merkle tree (RFC 6962).
-- `ordinal` is drawn while the row that the event is about is locked, so that events of one ticket are in their order.
-- `position`, the index of the leaf, is given once the event is committed: a reader who has seen all positions below n
-- misses nothing when it goes on from n.
CREATE TABLE log_entries (
    ordinal  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source   text NOT NULL CHECK (source IN ('ticket', 'audit')),
    event_id uuid NOT NULL,
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    position bigint UNIQUE CHECK (position >= 0)
);
CREATE INDEX log_entries_pending_idx ON log_entries (ordinal) WHERE position IS NULL;

CREATE FUNCTION log_entries_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    placed log_entries;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        placed := OLD;
        placed.position := NEW.position;
        IF OLD.position IS NULL AND NEW IS NOT DISTINCT FROM placed THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log cannot be changed';
END $$;
CREATE TRIGGER log_entries_keep BEFORE UPDATE OR DELETE ON log_entries
    FOR EACH ROW EXECUTE FUNCTION log_entries_keep();
CREATE TRIGGER log_entries_keep_all BEFORE TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION log_entries_keep();

CREATE FUNCTION log_added_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_entries (source, event_id, hash)
    SELECT TG_ARGV[0], a.id, a.hash FROM added a ORDER BY a.id;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_events_log AFTER INSERT ON audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_added_events('audit');

-- The events that are there already come first. Another copy of the server cannot add one between the two statements.
LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO log_entries (source, event_id, hash, position)
SELECT 'ticket', e.id, e.hash, row_number() OVER chronological - 1
FROM events e WINDOW chronological AS (ORDER BY e.at, e.ticket_id, e.seq)
ORDER BY e.at, e.ticket_id, e.seq;
CREATE TRIGGER events_log AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_added_events('ticket');
