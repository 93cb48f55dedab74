DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    DELETE FROM messages WHERE kind = 'parent_solved';
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(known, '''parent_solved''::text, ', '');
END $$;
