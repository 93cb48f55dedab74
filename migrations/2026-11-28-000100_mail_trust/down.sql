ALTER TABLE followups DROP COLUMN unverified;
DROP TRIGGER inbound_emails_keep ON inbound_emails;
CREATE TRIGGER inbound_emails_keep
    BEFORE UPDATE OF id, source, received_at, size, sha256, storage_key, identity, author_hash, message_id ON inbound_emails
    FOR EACH ROW EXECUTE FUNCTION inbound_emails_keep();
UPDATE inbound_emails SET reason = 'authentication_failed' WHERE reason = 'sender_unverified';
ALTER TABLE inbound_emails
    DROP COLUMN authentication,
    DROP COLUMN submitted_by,
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_inactive',
            'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);
