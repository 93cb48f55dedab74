-- What the figures count of each ticket, as a narrow row. A ticket has more than fifty columns: the figures of a quarter
-- read a fifth of their bytes from here.
CREATE TABLE ticket_facts (
    received_at              timestamptz NOT NULL,
    ticket_id                bigint NOT NULL,
    -- The due time of its first attention, and its first acceptance.
    due_at                   timestamptz,
    attended_at              timestamptz,
    attended_working_minutes float8,
    -- When it was closed or archived; null while it is neither.
    over_at                  timestamptz,
    unit_id                  uuid,
    category_id              uuid,
    -- Whether it is solved or closed.
    solved                   boolean NOT NULL,
    channel                  text NOT NULL,
    criticality              text,
    -- Of archived tickets alone.
    archive_reason           text
) WITH (fillfactor = 85);

-- In the order of time, so that a period is on neighbouring pages.
INSERT INTO ticket_facts (received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id, category_id,
    solved, channel, criticality, archive_reason)
SELECT received_at, id, first_attention_due_at, attended_at, attended_working_minutes, coalesce(closed_at, archived_at),
    requester_unit_id, category_id, solved_at IS NOT NULL, channel, criticality, archive_reason
FROM tickets ORDER BY received_at, id;
ALTER TABLE ticket_facts ADD PRIMARY KEY (received_at, ticket_id);
-- What was received before a period and closed or archived in it.
CREATE INDEX ticket_facts_over_idx ON ticket_facts (over_at, received_at) WHERE over_at IS NOT NULL;

CREATE FUNCTION tickets_facts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
CREATE TRIGGER tickets_facts_new AFTER INSERT OR DELETE ON tickets FOR EACH ROW EXECUTE FUNCTION tickets_facts();
CREATE TRIGGER tickets_facts_changed AFTER UPDATE ON tickets FOR EACH ROW
    WHEN ((OLD.received_at, OLD.first_attention_due_at, OLD.attended_at, OLD.attended_working_minutes, OLD.closed_at,
           OLD.archived_at, OLD.requester_unit_id, OLD.category_id, OLD.solved_at IS NULL, OLD.channel, OLD.criticality,
           OLD.archive_reason)
        IS DISTINCT FROM
          (NEW.received_at, NEW.first_attention_due_at, NEW.attended_at, NEW.attended_working_minutes, NEW.closed_at,
           NEW.archived_at, NEW.requester_unit_id, NEW.category_id, NEW.solved_at IS NULL, NEW.channel, NEW.criticality,
           NEW.archive_reason))
    EXECUTE FUNCTION tickets_facts();

-- Tickets that other copies of the server changed since they were read; the triggers see all later changes. Every ticket is
-- compared: not each change has a new `updated_at`.
INSERT INTO ticket_facts AS f (received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id,
    category_id, solved, channel, criticality, archive_reason)
SELECT t.received_at, t.id, t.first_attention_due_at, t.attended_at, t.attended_working_minutes,
    coalesce(t.closed_at, t.archived_at), t.requester_unit_id, t.category_id, t.solved_at IS NOT NULL, t.channel, t.criticality,
    t.archive_reason
FROM tickets t LEFT JOIN ticket_facts known ON known.received_at = t.received_at AND known.ticket_id = t.id
WHERE (known.due_at, known.attended_at, known.attended_working_minutes, known.over_at, known.unit_id, known.category_id,
       known.solved, known.channel, known.criticality, known.archive_reason)
    IS DISTINCT FROM
      (t.first_attention_due_at, t.attended_at, t.attended_working_minutes, coalesce(t.closed_at, t.archived_at),
       t.requester_unit_id, t.category_id, t.solved_at IS NOT NULL, t.channel, t.criticality, t.archive_reason)
ON CONFLICT (received_at, ticket_id) DO UPDATE SET due_at = EXCLUDED.due_at, attended_at = EXCLUDED.attended_at,
    attended_working_minutes = EXCLUDED.attended_working_minutes, over_at = EXCLUDED.over_at, unit_id = EXCLUDED.unit_id,
    category_id = EXCLUDED.category_id, solved = EXCLUDED.solved, channel = EXCLUDED.channel,
    criticality = EXCLUDED.criticality, archive_reason = EXCLUDED.archive_reason;
ANALYZE ticket_facts;
