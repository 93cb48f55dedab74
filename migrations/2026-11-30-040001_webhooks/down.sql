DELETE FROM messages WHERE kind = 'webhook_ended';
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(known, '''webhook_ended''::text, ', '');
END $$;
ALTER TABLE messages DROP CONSTRAINT messages_about;
ALTER TABLE messages ADD CONSTRAINT messages_about CHECK (
    num_nonnulls(ticket_id, improvement_action_id)
        = CASE WHEN kind IN ('password_reset', 'invitation', 'email_changed', 'password_changed') THEN 0 ELSE 1 END);
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
