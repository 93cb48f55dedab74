-- The attention clock of a ticket's present support level, beside the ticket, so that queues and the watch over the clock
-- are index scans.

ALTER TABLE tickets
    -- When three quarters of the attention time have counted.
    ADD COLUMN attention_due_soon_at timestamptz,
    -- When somebody of the present support level accepted it first.
    ADD COLUMN clock_stopped_at      timestamptz,
    -- When the staff were told; null again where the due time moves into the future.
    ADD COLUMN due_soon_told_at      timestamptz,
    ADD COLUMN overdue_told_at       timestamptz;

UPDATE tickets t SET
    clock_stopped_at = (SELECT a.accepted_at FROM attentions a WHERE a.ticket_id = t.id AND a.level = t.support_level),
    attention_due_soon_at = (
        SELECT a.due_at - (a.due_at - a.started_at) / 4 FROM attentions a
        WHERE a.ticket_id = t.id AND a.level = t.support_level
    );

ALTER TABLE tickets
    ADD CHECK ((attention_due_at IS NULL) = (attention_due_soon_at IS NULL)),
    ADD CHECK (attention_due_soon_at <= attention_due_at),
    -- The due time of a clock that runs.
    ADD COLUMN clock_due_at timestamptz GENERATED ALWAYS AS (
        CASE WHEN clock_stopped_at IS NULL AND status IN ('classified', 'assigned', 'escalated')
            THEN attention_due_at END
    ) STORED,
    -- The order of work: critical tickets first, then whatever is to be done next. What is not classified yet might be
    -- critical, so it is due for a look since it came in; what was accepted is due when the requester was told.
    ADD COLUMN queue_rank smallint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN criticality = 'critical' THEN 0 ELSE 1 END
    ) STORED,
    ADD COLUMN queue_at timestamptz NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN status = 'received' THEN received_at
            WHEN status IN ('classified', 'assigned', 'escalated') AND clock_stopped_at IS NULL
                AND attention_due_at IS NOT NULL THEN attention_due_at
            WHEN scheduled_for IS NOT NULL THEN scheduled_for
            WHEN status = 'on_hold' THEN '9999-12-31 00:00:00+00'::timestamptz
            ELSE received_at
        END
    ) STORED;

CREATE INDEX tickets_queue_idx ON tickets (queue_rank, queue_at, id)
    WHERE status NOT IN ('solved', 'closed', 'archived');
CREATE INDEX tickets_clock_due_idx ON tickets (clock_due_at, id) WHERE clock_due_at IS NOT NULL;
CREATE INDEX tickets_due_soon_idx ON tickets (attention_due_soon_at, id)
    WHERE clock_due_at IS NOT NULL AND due_soon_told_at IS NULL;
CREATE INDEX tickets_overdue_idx ON tickets (clock_due_at, id)
    WHERE clock_due_at IS NOT NULL AND overdue_told_at IS NULL;

-- A critical ticket of such a category that nobody accepts in time goes to the next support level by itself.
ALTER TABLE categories ADD COLUMN escalates_overdue boolean NOT NULL DEFAULT false;

-- The desk itself escalates those. Level 3 may be a third party: named, with its own reference and a promised date.
ALTER TABLE escalations
    ALTER COLUMN escalated_by DROP NOT NULL,
    ADD COLUMN third_party    text CHECK (length(third_party) BETWEEN 1 AND 200),
    ADD COLUMN reference      text CHECK (length(reference) BETWEEN 1 AND 100),
    ADD COLUMN promised_for   timestamptz,
    ADD CHECK (third_party IS NOT NULL OR (reference IS NULL AND promised_for IS NULL)),
    ADD CHECK (third_party IS NULL OR to_level = 3);
