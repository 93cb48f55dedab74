-- Until a ticket is classified, the attention time of a configured criticality counts: its clock is a row of
-- `attentions` like any other, and its due time is watched. A ticket of an earlier version of the server may have none.
ALTER TABLE tickets
    DROP CONSTRAINT tickets_check2,
    ADD CONSTRAINT tickets_first_attention_due CHECK (criticality IS NULL OR first_attention_due_at IS NOT NULL);

-- With its indexes, as the expression of a generated column cannot be changed.
ALTER TABLE tickets DROP COLUMN clock_due_at;
ALTER TABLE tickets
    ADD COLUMN clock_due_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN clock_stopped_at IS NULL AND status IN ('received', 'classified', 'assigned', 'escalated')
            THEN attention_due_at END
    ) STORED;
CREATE INDEX tickets_clock_due_idx ON tickets (clock_due_at, id) WHERE clock_due_at IS NOT NULL;
CREATE INDEX tickets_due_soon_idx ON tickets (attention_due_soon_at, id)
    WHERE clock_due_at IS NOT NULL AND due_soon_told_at IS NULL;
CREATE INDEX tickets_overdue_idx ON tickets (clock_due_at, id)
    WHERE clock_due_at IS NOT NULL AND overdue_told_at IS NULL;

-- Tickets whose provisional clock has yet to start.
CREATE INDEX tickets_without_clock_idx ON tickets (id)
    WHERE first_attention_due_at IS NULL AND status IN ('received', 'on_hold');
