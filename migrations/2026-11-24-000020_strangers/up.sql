-- Of people whom nobody knows, no more than a limit an hour get an account by their mail: the rest of a flood under many
-- names waits for staff.
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_check,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_inactive',
            'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);
CREATE INDEX users_strangers_idx ON users (created_at) WHERE password_hash IS NULL;
