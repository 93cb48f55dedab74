DELETE FROM attentions a USING tickets t WHERE t.id = a.ticket_id AND t.criticality IS NULL;
UPDATE tickets SET first_attention_due_at = NULL, attention_due_at = NULL, attention_due_soon_at = NULL
WHERE criticality IS NULL AND first_attention_due_at IS NOT NULL;

DROP INDEX tickets_without_clock_idx;
ALTER TABLE tickets DROP COLUMN clock_due_at;
ALTER TABLE tickets
    ADD COLUMN clock_due_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN clock_stopped_at IS NULL AND status IN ('classified', 'assigned', 'escalated')
            THEN attention_due_at END
    ) STORED;
CREATE INDEX tickets_clock_due_idx ON tickets (clock_due_at, id) WHERE clock_due_at IS NOT NULL;
CREATE INDEX tickets_due_soon_idx ON tickets (attention_due_soon_at, id)
    WHERE clock_due_at IS NOT NULL AND due_soon_told_at IS NULL;
CREATE INDEX tickets_overdue_idx ON tickets (clock_due_at, id)
    WHERE clock_due_at IS NOT NULL AND overdue_told_at IS NULL;
ALTER TABLE tickets
    DROP CONSTRAINT tickets_first_attention_due,
    ADD CONSTRAINT tickets_check2 CHECK ((criticality IS NULL) = (first_attention_due_at IS NULL));
