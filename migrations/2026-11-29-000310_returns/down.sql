-- The history cannot be changed: this fails if a ticket was returned.
DO $$
DECLARE
    events_known   text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
    messages_known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(events_known, '''returned''::text, ', '');
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(messages_known, '''returned''::text, ', '');
END $$;

DROP VIEW attention_clocks;
DROP TABLE earlier_attentions;
ALTER TABLE escalations
    DROP CONSTRAINT escalations_direction,
    ADD CONSTRAINT escalations_check CHECK (to_level > from_level);
