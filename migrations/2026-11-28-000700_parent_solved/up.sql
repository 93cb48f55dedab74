-- Another kind of message: the parent of a ticket is solved. The kinds that the constraint names so far stay.
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(known, 'ARRAY[', 'ARRAY[''parent_solved''::text, ');
END $$;
