DROP TRIGGER redact_expired ON inbound_emails;
DROP TRIGGER redact_expired ON risks;
DROP TRIGGER redact_expired ON improvement_actions;
DROP TRIGGER redact_expired ON measurements;
DROP TRIGGER redact_expired ON minutes;
DROP FUNCTION redact_expired_records();

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
                       WHERE a.user_id::text = OLD.resource_id AND being_anonymized(a.user_id))) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log cannot be changed';
END $$;

DROP TABLE expired_records;
DROP FUNCTION expired_records_keep();
DROP FUNCTION parts_of_improvement_actions(text[]);
DROP FUNCTION without_values(jsonb);
