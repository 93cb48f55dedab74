-- Whether our own mail server verified the author of a message, and who handed the message in.
ALTER TABLE inbound_emails
    -- Null for a message that was not processed, cannot be read, or was processed before this was recorded.
    ADD COLUMN authentication text CHECK (authentication IN ('aligned', 'failed', 'unverified')),
    -- The account that submitted it to the API; null for the mailbox and the command.
    ADD COLUMN submitted_by uuid REFERENCES users,
    ADD CONSTRAINT inbound_emails_submitted_by CHECK (submitted_by IS NULL OR source = 'api'),
    ADD CONSTRAINT inbound_emails_unverified
        CHECK (reason IS DISTINCT FROM 'sender_unverified' OR authentication IS NOT DISTINCT FROM 'unverified'),
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);
DROP TRIGGER inbound_emails_keep ON inbound_emails;
CREATE TRIGGER inbound_emails_keep
    BEFORE UPDATE OF id, source, received_at, size, sha256, storage_key, identity, author_hash, message_id, submitted_by
    ON inbound_emails FOR EACH ROW EXECUTE FUNCTION inbound_emails_keep();

-- Null for a followup that did not come by mail. Those that did before this was recorded were not verified.
ALTER TABLE followups
    ADD COLUMN unverified boolean,
    ADD CONSTRAINT followups_unverified CHECK (unverified IS NULL OR visibility = 'public');
ALTER TABLE followups DISABLE TRIGGER followups_keep;
UPDATE followups SET unverified = true FROM inbound_emails i WHERE i.followup_id = followups.id;
ALTER TABLE followups ENABLE TRIGGER followups_keep;
