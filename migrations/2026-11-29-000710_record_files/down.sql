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
DROP FUNCTION parts_of_records(text[]);

DROP TRIGGER record_addition ON attachments;
DROP TRIGGER record_removal ON attachments;
DELETE FROM attachments WHERE num_nonnulls(minutes_id, indicator_id, risk_id) > 0;
ALTER TABLE attachments
    DROP COLUMN minutes_id,
    DROP COLUMN indicator_id,
    DROP COLUMN risk_id,
    ADD CONSTRAINT attachments_owner CHECK (num_nonnulls(ticket_id, article_id, improvement_action_id) = 1);
CREATE TRIGGER record_addition AFTER INSERT ON attachments FOR EACH ROW WHEN (NEW.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}', '{article_id,improvement_action_id,content_type,size}', '');
CREATE TRIGGER record_removal AFTER DELETE ON attachments FOR EACH ROW WHEN (OLD.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}', '{article_id,improvement_action_id,content_type,size}', '');
