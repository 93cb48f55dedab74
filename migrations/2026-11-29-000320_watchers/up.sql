-- Staff add and remove watchers. The kinds of events that the constraint names so far stay.
ALTER TABLE ticket_watchers
    DROP CONSTRAINT ticket_watchers_reason_check,
    ADD CONSTRAINT ticket_watchers_reason_check CHECK (reason IN ('duplicate_merged', 'added'));
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(known, 'ARRAY[', 'ARRAY[''watcher_added''::text, ''watcher_removed''::text, ');
END $$;
