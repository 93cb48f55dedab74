-- Who is told of a ticket that waits for staff, and when, is decided by a background task: a step only marks the ticket.
-- The mark stays until somebody on shift was told, or the ticket has an assignee or is over.
ALTER TABLE tickets
    ADD COLUMN staff_called_at  timestamptz,
    ADD COLUMN staff_call_cause text CHECK (staff_call_cause IN
        ('received', 'escalated', 'returned', 'critical', 'unassigned')),
    ADD CONSTRAINT tickets_staff_call CHECK ((staff_called_at IS NULL) = (staff_call_cause IS NULL));
CREATE INDEX tickets_staff_called_idx ON tickets (id) WHERE staff_called_at IS NOT NULL;

-- More kinds of messages and of events. The kinds that the constraints name so far stay.
DO $$
DECLARE
    events_known   text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
    messages_known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(events_known, 'ARRAY[', 'ARRAY[''unassigned''::text, ');
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(messages_known, 'ARRAY[', 'ARRAY[''new_ticket''::text, ''waiting_for_staff''::text, '
            || '''became_critical''::text, ''appointment_voided''::text, ');
END $$;
