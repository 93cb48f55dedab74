-- The history cannot be changed: this fails if work was taken from a person automatically.
DELETE FROM messages WHERE kind IN ('new_ticket', 'waiting_for_staff', 'became_critical', 'appointment_voided');
DO $$
DECLARE
    events_known   text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
    messages_known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(events_known, '''unassigned''::text, ', '');
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(messages_known, '''new_ticket''::text, ''waiting_for_staff''::text, '
            || '''became_critical''::text, ''appointment_voided''::text, ', '');
END $$;
ALTER TABLE tickets
    DROP COLUMN staff_called_at,
    DROP COLUMN staff_call_cause;
