-- The history cannot be changed: this fails if tickets were imported.
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check ' || replace(known, '''imported''::text, ', '');
END $$;

CREATE OR REPLACE FUNCTION tickets_openings() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    latest integer;
    ended  timestamptz := coalesce(NEW.solved_at, NEW.archived_at);
BEGIN
    IF TG_OP = 'INSERT' THEN
        latest := 1;
        INSERT INTO openings (ticket_id, number, opened_at) VALUES (NEW.id, latest, NEW.received_at);
    ELSE
        SELECT max(number) INTO latest FROM openings WHERE ticket_id = NEW.id;
        IF ended IS NULL AND coalesce(OLD.solved_at, OLD.archived_at) IS NOT NULL THEN
            UPDATE openings SET reopened_at = NEW.updated_at WHERE ticket_id = NEW.id AND number = latest;
            latest := latest + 1;
            INSERT INTO openings (ticket_id, number, opened_at) VALUES (NEW.id, latest, NEW.updated_at);
        END IF;
        IF OLD.received_at <> NEW.received_at AND latest > 1 THEN
            UPDATE openings SET opened_at = NEW.received_at WHERE ticket_id = NEW.id AND number = 1;
        END IF;
    END IF;
    IF ended IS NOT NULL OR OLD.received_at <> NEW.received_at THEN
        UPDATE openings SET
            opened_at = CASE WHEN number = 1 THEN NEW.received_at ELSE opened_at END,
            ended_at = ended,
            outcome = CASE WHEN NEW.solved_at IS NOT NULL THEN 'solved' WHEN ended IS NOT NULL THEN 'archived' END,
            solved_by_id = NEW.solved_by_id,
            support_level = CASE WHEN ended IS NOT NULL THEN NEW.support_level END
        WHERE ticket_id = NEW.id AND number = latest;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tickets_facts() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.received_at <> NEW.received_at THEN
        DELETE FROM ticket_facts f WHERE f.received_at = OLD.received_at AND f.ticket_id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO ticket_facts AS f (received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id,
            category_id, solved, channel, criticality, archive_reason)
        VALUES (NEW.received_at, NEW.id, NEW.first_attention_due_at, NEW.attended_at, NEW.attended_working_minutes,
            coalesce(NEW.closed_at, NEW.archived_at), NEW.requester_unit_id, NEW.category_id, NEW.solved_at IS NOT NULL,
            NEW.channel, NEW.criticality, NEW.archive_reason)
        ON CONFLICT (received_at, ticket_id) DO UPDATE SET due_at = EXCLUDED.due_at, attended_at = EXCLUDED.attended_at,
            attended_working_minutes = EXCLUDED.attended_working_minutes, over_at = EXCLUDED.over_at,
            unit_id = EXCLUDED.unit_id, category_id = EXCLUDED.category_id, solved = EXCLUDED.solved,
            channel = EXCLUDED.channel, criticality = EXCLUDED.criticality, archive_reason = EXCLUDED.archive_reason;
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER tickets_keep_import ON tickets;
DROP FUNCTION tickets_keep_import();

DROP INDEX tickets_unmeasured_idx;
CREATE INDEX tickets_unmeasured_idx ON tickets (id) WHERE attended_at IS NOT NULL AND attended_working_minutes IS NULL;
DROP INDEX tickets_unattended_idx;
CREATE INDEX tickets_unattended_idx ON tickets (received_at, id) WHERE attended_at IS NULL AND archived_at IS NULL;

ALTER TABLE tickets
    DROP CONSTRAINT tickets_imported,
    DROP CONSTRAINT tickets_imported_state,
    DROP CONSTRAINT tickets_imported_dates,
    DROP CONSTRAINT tickets_accepted,
    ADD CONSTRAINT tickets_accepted CHECK (
        (coalesce(resumes_to, status) IN ('in_progress', 'solved', 'closed')) <= (accepted_at IS NOT NULL)),
    DROP CONSTRAINT tickets_assignee,
    ADD CONSTRAINT tickets_assignee CHECK (
        (coalesce(resumes_to, status) IN ('assigned', 'in_progress', 'solved', 'closed')) <= (assignee_id IS NOT NULL)),
    DROP CONSTRAINT tickets_criticality,
    ADD CONSTRAINT tickets_criticality CHECK (
        coalesce(resumes_to, status) IN ('received', 'archived') OR criticality IS NOT NULL),
    DROP CONSTRAINT tickets_first_attention_due,
    ADD CONSTRAINT tickets_first_attention_due CHECK (criticality IS NULL OR first_attention_due_at IS NOT NULL),
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (archive_reason IS NOT NULL
        OR information_deadline IS NOT NULL
        OR criticality IS NOT DISTINCT FROM 'critical'
        OR automatic
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL)),
    DROP COLUMN external_source,
    DROP COLUMN external_id,
    DROP COLUMN imported_at;
