DO $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT tgname, tgrelid::regclass AS audited FROM pg_trigger WHERE tgfoid = 'record_change'::regproc LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', made.tgname, made.audited);
    END LOOP;
END $$;
DROP PROCEDURE audit_table(regclass, text, text);
DROP FUNCTION record_change();
DROP FUNCTION is_audited_column(text);
DROP FUNCTION uuid_version_7(timestamptz);
DROP INDEX audit_events_resource_id_idx;
DROP INDEX audit_events_resource_at_idx;
DROP INDEX audit_events_kind_idx;
