-- The history cannot be changed: this fails if a watcher was added or removed.
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(known, '''watcher_added''::text, ''watcher_removed''::text, ', '');
END $$;
DELETE FROM ticket_watchers WHERE reason = 'added';
ALTER TABLE ticket_watchers
    DROP CONSTRAINT ticket_watchers_reason_check,
    ADD CONSTRAINT ticket_watchers_reason_check CHECK (reason IN ('duplicate_merged'));
