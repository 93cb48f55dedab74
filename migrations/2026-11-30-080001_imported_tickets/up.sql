-- Tickets of another system, imported after they ended. They have no clock, no openings and no facts, so that no figure counts
-- them, and they need not have what a ticket has that was attended to here.
ALTER TABLE tickets
    ADD COLUMN external_source text CHECK (external_source ~ '^[a-z0-9][a-z0-9._-]{0,49}$'),
    ADD COLUMN external_id text CHECK (external_id ~ '^[!-~]([ -~]{0,98}[!-~])?$'),
    ADD COLUMN imported_at timestamptz;

ALTER TABLE tickets
    ADD CONSTRAINT tickets_imported CHECK (
        (imported_at IS NULL) = (external_source IS NULL) AND (imported_at IS NULL) = (external_id IS NULL)),
    ADD CONSTRAINT tickets_imported_state CHECK (imported_at IS NULL
        OR status IN ('closed', 'archived') AND attention_due_at IS NULL AND first_attention_due_at IS NULL AND staff_called_at IS NULL),
    -- In the order in which it happened, not in the future, and not the zero of another system.
    ADD CONSTRAINT tickets_imported_dates CHECK (imported_at IS NULL
        OR received_at >= '1970-01-01T00:00:00Z' AND received_at <= coalesce(attended_at, received_at)
        AND coalesce(attended_at, received_at) <= coalesce(solved_at, archived_at)
        AND coalesce(solved_at, archived_at) <= coalesce(closed_at, archived_at)
        AND coalesce(closed_at, archived_at) <= updated_at),
    DROP CONSTRAINT tickets_accepted,
    ADD CONSTRAINT tickets_accepted CHECK (imported_at IS NOT NULL
        OR (coalesce(resumes_to, status) IN ('in_progress', 'solved', 'closed')) <= (accepted_at IS NOT NULL)),
    DROP CONSTRAINT tickets_assignee,
    ADD CONSTRAINT tickets_assignee CHECK (imported_at IS NOT NULL
        OR (coalesce(resumes_to, status) IN ('assigned', 'in_progress', 'solved', 'closed')) <= (assignee_id IS NOT NULL)),
    DROP CONSTRAINT tickets_criticality,
    ADD CONSTRAINT tickets_criticality CHECK (imported_at IS NOT NULL
        OR coalesce(resumes_to, status) IN ('received', 'archived') OR criticality IS NOT NULL),
    DROP CONSTRAINT tickets_first_attention_due,
    ADD CONSTRAINT tickets_first_attention_due CHECK (imported_at IS NOT NULL
        OR criticality IS NULL OR first_attention_due_at IS NOT NULL),
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (imported_at IS NOT NULL
        OR archive_reason IS NOT NULL
        OR information_deadline IS NOT NULL
        OR criticality IS NOT DISTINCT FROM 'critical'
        OR automatic
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL));

CREATE UNIQUE INDEX tickets_external_key ON tickets (external_id, external_source) WHERE imported_at IS NOT NULL;
CREATE INDEX tickets_imported_idx ON tickets (received_at, id) WHERE imported_at IS NOT NULL;
CREATE INDEX tickets_external_source_idx ON tickets (external_source, received_at, id) WHERE imported_at IS NOT NULL;
-- What these two indexes are read for leaves out what was imported.
DROP INDEX tickets_unattended_idx;
CREATE INDEX tickets_unattended_idx ON tickets (received_at, id)
    WHERE attended_at IS NULL AND archived_at IS NULL AND imported_at IS NULL;
DROP INDEX tickets_unmeasured_idx;
CREATE INDEX tickets_unmeasured_idx ON tickets (id)
    WHERE attended_at IS NOT NULL AND attended_working_minutes IS NULL AND imported_at IS NULL;

-- What was imported stays so, under the same name.
CREATE FUNCTION tickets_keep_import() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what a ticket was imported from cannot be changed';
END $$;
CREATE TRIGGER tickets_keep_import BEFORE UPDATE OF external_source, external_id, imported_at ON tickets FOR EACH ROW
    WHEN ((OLD.external_source, OLD.external_id, OLD.imported_at)
        IS DISTINCT FROM (NEW.external_source, NEW.external_id, NEW.imported_at))
    EXECUTE FUNCTION tickets_keep_import();

CREATE OR REPLACE FUNCTION tickets_facts() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.received_at <> NEW.received_at THEN
        DELETE FROM ticket_facts f WHERE f.received_at = OLD.received_at AND f.ticket_id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.imported_at IS NULL THEN
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

CREATE OR REPLACE FUNCTION tickets_openings() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    latest integer;
    ended  timestamptz := coalesce(NEW.solved_at, NEW.archived_at);
BEGIN
    IF NEW.imported_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
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

DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check ' || replace(known, 'ARRAY[', 'ARRAY[''imported''::text, ');
END $$;
