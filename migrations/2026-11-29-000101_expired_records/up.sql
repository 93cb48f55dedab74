-- What retention deletes does not stay in the audit log either. The events of such a record keep actor, time, kind, resource,
-- key and the names of fields. Values and salt are removed, and the digest stays: hashes and tree are verified as before.
-- Versions before this migration report these events as changed when they verify the history.

-- The records that were deleted after their retention period. Their events, and no others, are redacted for it.
CREATE TABLE expired_records (
    resource    text NOT NULL CHECK (length(resource) BETWEEN 1 AND 50),
    resource_id text NOT NULL CHECK (length(resource_id) BETWEEN 1 AND 200),
    expired_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (resource, resource_id)
);

CREATE FUNCTION without_values(data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('details', '{}'::jsonb, 'changes', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'field', change -> 'field',
            'from', CASE change -> 'from' WHEN 'null' THEN 'null'::jsonb ELSE '"[…]"'::jsonb END,
            'to', CASE change -> 'to' WHEN 'null' THEN 'null'::jsonb ELSE '"[…]"'::jsonb END) ORDER BY place), '[]')
        FROM jsonb_array_elements(data -> 'changes') WITH ORDINALITY AS changes (change, place)))
$$;

-- Nothing may change or remove an event. Its data may be redacted while the person it is about, or who caused it, is
-- made anonymous, and once the record it is about has expired.
CREATE OR REPLACE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    redacted audit_events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        redacted := OLD;
        redacted.data := NEW.data;
        redacted.data_salt := NULL;
        IF NEW IS NOT DISTINCT FROM redacted AND is_redaction(OLD.data, NEW.data) AND (being_anonymized(OLD.actor_id)
            OR EXISTS (SELECT FROM anonymizations a
                       WHERE a.user_id::text = OLD.resource_id AND being_anonymized(a.user_id))
            OR NEW.data = without_values(OLD.data) AND EXISTS (
                SELECT FROM expired_records r WHERE r.resource = OLD.resource AND r.resource_id = OLD.resource_id)) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log cannot be changed';
END $$;

-- Followups and evidence of improvement actions, as their events name them. There are few of both.
CREATE FUNCTION parts_of_improvement_actions(ids text[]) RETURNS TABLE (resource text, resource_id text)
    LANGUAGE sql STABLE AS $$
    SELECT DISTINCT e.resource, e.resource_id
    FROM audit_events e, jsonb_array_elements(e.data -> 'changes') AS change
    WHERE e.resource IN ('attachment', 'improvement_followup')
        AND change ->> 'field' IN ('action_id', 'improvement_action_id')
        AND (change ->> 'from' = ANY (ids) OR change ->> 'to' = ANY (ids))
$$;

-- What earlier runs removed: the removal is in the transaction of the run, and the period had ended.
INSERT INTO expired_records (resource, resource_id)
SELECT DISTINCT e.resource, e.resource_id
FROM audit_events e
JOIN retention_runs r ON e.at >= r.removed_at AND e.at < r.removed_at + interval '1 hour'
    AND r.kind = CASE e.resource WHEN 'minutes' THEN 'minutes' WHEN 'measurement' THEN 'measurements'
        WHEN 'improvement_action' THEN 'improvement_actions' WHEN 'risk' THEN 'risks' END
WHERE e.kind = 'removed' AND e.actor_id IS NULL AND e.data_salt IS NOT NULL AND EXISTS (
    SELECT FROM jsonb_array_elements(e.data -> 'changes') AS change
    WHERE CASE
        WHEN e.resource = 'risk' AND change ->> 'field' = 'status' THEN change ->> 'from' = 'closed'
        WHEN e.resource <> 'risk' AND change ->> 'field' IN ('signed_at', 'approved_at', 'verified_at')
            THEN (change ->> 'from')::timestamptz < r.up_to
        ELSE false
    END);
INSERT INTO expired_records (resource, resource_id)
SELECT p.resource, p.resource_id
FROM parts_of_improvement_actions(
    (SELECT array_agg(resource_id) FROM expired_records WHERE resource = 'improvement_action')) AS p;
-- Mail that came in is deleted by retention and by erasure alone.
INSERT INTO expired_records (resource, resource_id)
SELECT DISTINCT e.resource, e.resource_id FROM audit_events e
WHERE e.resource = 'inbound_email' AND e.resource_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM inbound_emails i WHERE i.id::text = e.resource_id);
UPDATE audit_events e SET data_salt = NULL, data = without_values(e.data)
FROM expired_records r WHERE e.resource = r.resource AND e.resource_id = r.resource_id AND e.data_salt IS NOT NULL;

-- A record expires when it is deleted after its period, and in no other way.
CREATE FUNCTION expired_records_keep() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'only the deletion of a record can mark it as expired';
END $$;
CREATE TRIGGER expired_records_keep BEFORE INSERT OR UPDATE OR DELETE ON expired_records
    FOR EACH ROW EXECUTE FUNCTION expired_records_keep();
CREATE TRIGGER expired_records_keep_all BEFORE TRUNCATE ON expired_records
    FOR EACH STATEMENT EXECUTE FUNCTION expired_records_keep();

-- Redacts the events of deleted records whose retention period is over; those of others are left as they are. Arguments: the
-- resource, its retention rule, and the column with the moment from which the period counts. Two days more: the server
-- counts by the calendar of the entity's time zone.
CREATE FUNCTION redact_expired_records() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    expired   text[];
    resources text[];
    keys      text[];
BEGIN
    SELECT array_agg(g.record ->> 'id') INTO expired
    FROM (SELECT to_jsonb(gone) AS record FROM gone) AS g
    JOIN retention_rules r ON r.kind = TG_ARGV[1]
    WHERE (g.record ->> TG_ARGV[2])::timestamptz < now() - make_interval(months => r.months) + interval '2 days'
        AND (TG_ARGV[1] <> 'risks' OR g.record ->> 'status' = 'closed');
    IF expired IS NULL THEN
        RETURN NULL;
    END IF;
    WITH added AS (
        INSERT INTO expired_records (resource, resource_id)
        SELECT e.resource, e.resource_id FROM audit_events e
        WHERE e.resource = TG_ARGV[0] AND e.resource_id = ANY (expired)
        UNION
        SELECT p.resource, p.resource_id FROM parts_of_improvement_actions(expired) AS p
        WHERE TG_ARGV[0] = 'improvement_action'
        ON CONFLICT DO NOTHING
        RETURNING expired_records.resource, expired_records.resource_id)
    SELECT array_agg(a.resource), array_agg(a.resource_id) INTO resources, keys FROM added a;
    UPDATE audit_events e SET data_salt = NULL, data = without_values(e.data)
    FROM unnest(resources, keys) AS r (resource, resource_id)
    WHERE e.resource = r.resource AND e.resource_id = r.resource_id AND e.data_salt IS NOT NULL;
    RETURN NULL;
END $$;

-- Events of surveys and messages have no values of them.
CREATE TRIGGER redact_expired AFTER DELETE ON minutes REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION redact_expired_records('minutes', 'minutes', 'signed_at');
CREATE TRIGGER redact_expired AFTER DELETE ON measurements REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION redact_expired_records('measurement', 'measurements', 'approved_at');
CREATE TRIGGER redact_expired AFTER DELETE ON improvement_actions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION redact_expired_records('improvement_action', 'improvement_actions', 'verified_at');
CREATE TRIGGER redact_expired AFTER DELETE ON risks REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION redact_expired_records('risk', 'risks', 'updated_at');
CREATE TRIGGER redact_expired AFTER DELETE ON inbound_emails REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION redact_expired_records('inbound_email', 'inbound_emails', 'processed_at');
