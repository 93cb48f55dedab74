-- Every change of an account, a catalogue or a record of the procedure writes an audit event in the same transaction,
-- whoever makes it: a request, a command, the routine or an administrator of the database. Changes of tickets are in
-- `events`.

-- The filters of the list, each in the order of the list.
CREATE INDEX audit_events_kind_idx ON audit_events (kind, at, id);
CREATE INDEX audit_events_resource_at_idx ON audit_events (resource, at, id);
CREATE INDEX audit_events_resource_id_idx ON audit_events (resource_id, at, id);

-- A UUID of version 7 (RFC 9562).
CREATE FUNCTION uuid_version_7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid
$$;

-- Columns that no event has: secrets, and what the database or the server keeps for itself.
CREATE FUNCTION is_audited_column(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name !~ '(password|secret|token|salt|hash|sha256|_key$)'
        AND name <> ALL ('{id,version,revision,created_at,updated_at,applied_on,overdue_told_at,sign_in_era}')
$$;

-- Writes the audit event of a changed row. Arguments: the resource; the columns of its id; the columns to record, empty
-- for all of them; the kind, empty for that of the statement. The session names the actor in `mesa.actor_id`. Nothing is
-- written where neither the version nor a recorded column changed.
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before  jsonb := coalesce(to_jsonb(OLD), '{}');
    after   jsonb := coalesce(to_jsonb(NEW), '{}');
    present jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    shown   text[] := TG_ARGV[2];
    kind    text := nullif(TG_ARGV[3], '');
    moment  timestamptz := clock_timestamp();
    subject text;
    changes jsonb;
    details jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', name, 'from', before -> name, 'to', after -> name)
               ORDER BY name), '[]') INTO changes
    FROM jsonb_object_keys(before || after) AS columns (name)
    WHERE is_audited_column(name) AND (shown = '{}' OR name = ANY (shown))
        AND coalesce(before -> name, 'null') <> coalesce(after -> name, 'null');
    -- A password that is set by a statement of an administrator is recorded as well, without its hash.
    IF TG_TABLE_NAME = 'users' AND TG_OP = 'UPDATE'
        AND before -> 'password_hash' IS DISTINCT FROM after -> 'password_hash' THEN
        changes := changes || '[{"field": "password", "from": null, "to": null}]';
    END IF;
    IF TG_OP = 'UPDATE' AND changes = '[]' AND (TG_ARGV[0] = 'user'
        OR (before -> 'version', before -> 'revision') IS NOT DISTINCT FROM (after -> 'version', after -> 'revision')) THEN
        RETURN NULL;
    END IF;
    -- Erasure by law replaces what an account says: that must not come back as what it said.
    IF TG_TABLE_NAME = 'users' AND TG_OP = 'UPDATE' AND being_anonymized((before ->> 'id')::uuid) THEN
        RETURN NULL;
    END IF;
    IF kind IS NULL THEN
        kind := CASE
            WHEN TG_OP = 'INSERT' THEN 'created'
            WHEN TG_OP = 'DELETE' THEN 'removed'
            WHEN before ->> 'approved_at' IS NULL AND after ->> 'approved_at' IS NOT NULL THEN 'approved'
            WHEN before ->> 'signed_at' IS NULL AND after ->> 'signed_at' IS NOT NULL THEN 'signed'
            WHEN before ->> 'completed_at' IS NULL AND after ->> 'completed_at' IS NOT NULL THEN 'completed'
            WHEN before ->> 'verified_at' IS NULL AND after ->> 'verified_at' IS NOT NULL THEN 'verified'
            WHEN before ->> 'status' <> 'published' AND after ->> 'status' = 'published' THEN 'published'
            WHEN TG_TABLE_NAME = 'inbound_emails' AND after ->> 'status' = 'waiting'
                THEN CASE WHEN after ->> 'released_by' IS NULL THEN 'retried' ELSE 'released' END
            ELSE 'changed'
        END;
    END IF;
    SELECT string_agg(present ->> name, '/' ORDER BY place) INTO subject
    FROM unnest(TG_ARGV[1]::text[]) WITH ORDINALITY AS columns (name, place);
    SELECT coalesce(jsonb_object_agg(name, present -> name), '{}') INTO details
    FROM unnest('{version,revision}'::text[]) AS columns (name)
    WHERE present ? name AND TG_ARGV[0] <> 'user';
    INSERT INTO audit_events (id, kind, resource, resource_id, actor_id, at, data)
    VALUES (uuid_version_7(moment), kind, TG_ARGV[0], subject,
        nullif(current_setting('mesa.actor_id', true), '')::uuid, moment,
        jsonb_build_object('changes', changes, 'details', details));
    RETURN NULL;
END $$;

-- Records every change of a table whose rows are read and changed one by one.
CREATE PROCEDURE audit_table(audited regclass, resource text, id_column text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON %s '
        'FOR EACH ROW EXECUTE FUNCTION record_change(%L, %L, %L, %L)', audited, resource, '{' || id_column || '}', '{}', '');
END $$;

CALL audit_table('users', 'user', 'id');
CALL audit_table('absences', 'absence', 'id');
CALL audit_table('units', 'unit', 'id');
CALL audit_table('categories', 'category', 'id');
CALL audit_table('calendars', 'calendar', 'id');
CALL audit_table('attention_times', 'attention_time', 'criticality');
CALL audit_table('survey_questions', 'survey_question', 'id');
CALL audit_table('retention_rules', 'retention_rule', 'kind');
CALL audit_table('indicators', 'indicator', 'id');
CALL audit_table('measurements', 'measurement', 'id');
CALL audit_table('minutes', 'minutes', 'id');
CALL audit_table('improvement_actions', 'improvement_action', 'id');
CALL audit_table('risks', 'risk', 'id');

-- Their content is in the revisions; what a ticket taught can name its requester.
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON articles FOR EACH ROW
    EXECUTE FUNCTION record_change('article', '{id}', '{category_id,visibility,status,ticket_id}', '');
-- Files of tickets are in the history of the ticket.
CREATE TRIGGER record_addition AFTER INSERT ON attachments FOR EACH ROW WHEN (NEW.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}', '{article_id,improvement_action_id,content_type,size}', '');
CREATE TRIGGER record_removal AFTER DELETE ON attachments FOR EACH ROW WHEN (OLD.ticket_id IS NULL)
    EXECUTE FUNCTION record_change('attachment', '{id}', '{article_id,improvement_action_id,content_type,size}', '');
CREATE TRIGGER record_change AFTER INSERT ON improvement_followups FOR EACH ROW
    EXECUTE FUNCTION record_change('improvement_followup', '{id}', '{action_id,progress}', '');
CREATE TRIGGER record_change AFTER INSERT ON anonymizations FOR EACH ROW
    EXECUTE FUNCTION record_change('user', '{user_id}', '{none}', 'anonymized');
CREATE TRIGGER record_change AFTER INSERT ON attention_applications FOR EACH ROW
    EXECUTE FUNCTION record_change('attention_application', '{id}', '{none}', 'applied');
CREATE TRIGGER record_change AFTER INSERT ON retention_runs FOR EACH ROW
    EXECUTE FUNCTION record_change('retention_run', '{id}', '{kind,months,up_to,removed}', 'applied');
-- What one answered is in the survey.
CREATE TRIGGER record_change AFTER UPDATE ON surveys FOR EACH ROW
    WHEN (OLD.answered_at IS NULL AND NEW.answered_at IS NOT NULL)
    EXECUTE FUNCTION record_change('survey', '{id}', '{answered_at}', 'answered');
-- Mail that becomes a ticket or a followup is in the history of the ticket.
CREATE TRIGGER record_arrival AFTER INSERT ON inbound_emails FOR EACH ROW
    WHEN (NEW.status NOT IN ('waiting', 'processed'))
    EXECUTE FUNCTION record_change('inbound_email', '{id}', '{source,status,reason,size,authentication,submitted_by}', '');
CREATE TRIGGER record_change AFTER UPDATE ON inbound_emails FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.status <> 'processed')
    EXECUTE FUNCTION record_change('inbound_email', '{id}', '{status,reason,authentication,released_by}', '');
CREATE TRIGGER record_change AFTER UPDATE ON messages FOR EACH ROW
    WHEN (OLD.status = 'failed' AND NEW.status = 'waiting')
    EXECUTE FUNCTION record_change('message', '{id}', '{status}', 'retried');
