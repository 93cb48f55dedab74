-- Minutes, indicators and risks have files too: the signed scan of the form.
ALTER TABLE attachments
    ADD COLUMN minutes_id uuid REFERENCES minutes,
    ADD COLUMN indicator_id uuid REFERENCES indicators,
    ADD COLUMN risk_id uuid REFERENCES risks,
    DROP CONSTRAINT attachments_owner,
    ADD CONSTRAINT attachments_owner CHECK (
        num_nonnulls(ticket_id, article_id, improvement_action_id, minutes_id, indicator_id, risk_id) = 1);
CREATE INDEX attachments_minutes_idx ON attachments (minutes_id, created_at, id) WHERE minutes_id IS NOT NULL;
CREATE INDEX attachments_indicator_idx ON attachments (indicator_id, created_at, id) WHERE indicator_id IS NOT NULL;
CREATE INDEX attachments_risk_idx ON attachments (risk_id, created_at, id) WHERE risk_id IS NOT NULL;

DROP TRIGGER record_addition ON attachments;
DROP TRIGGER record_removal ON attachments;
CREATE TRIGGER record_addition AFTER INSERT ON attachments FOR EACH ROW WHEN (NEW.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}',
        '{article_id,improvement_action_id,minutes_id,indicator_id,risk_id,content_type,size}', '');
CREATE TRIGGER record_removal AFTER DELETE ON attachments FOR EACH ROW WHEN (OLD.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}',
        '{article_id,improvement_action_id,minutes_id,indicator_id,risk_id,content_type,size}', '');

-- Followups and files of records, as their events name them. There are few of both.
CREATE FUNCTION parts_of_records(ids text[]) RETURNS TABLE (resource text, resource_id text)
    LANGUAGE sql STABLE AS $$
    SELECT DISTINCT e.resource, e.resource_id
    FROM audit_events e, jsonb_array_elements(e.data -> 'changes') AS change
    WHERE e.resource IN ('attachment', 'improvement_followup')
        AND change ->> 'field' IN ('action_id', 'improvement_action_id', 'minutes_id', 'risk_id')
        AND (change ->> 'from' = ANY (ids) OR change ->> 'to' = ANY (ids))
$$;
CREATE OR REPLACE FUNCTION redact_expired_records() RETURNS trigger LANGUAGE plpgsql
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
        SELECT p.resource, p.resource_id FROM parts_of_records(expired) AS p
        WHERE TG_ARGV[0] IN ('improvement_action', 'minutes', 'risk')
        ON CONFLICT DO NOTHING
        RETURNING expired_records.resource, expired_records.resource_id)
    SELECT array_agg(a.resource), array_agg(a.resource_id) INTO resources, keys FROM added a;
    UPDATE audit_events e SET data_salt = NULL, data = without_values(e.data)
    FROM unnest(resources, keys) AS r (resource, resource_id)
    WHERE e.resource = r.resource AND e.resource_id = r.resource_id AND e.data_salt IS NOT NULL;
    RETURN NULL;
END $$;
