UPDATE users SET full_name = email WHERE full_name = '(sin nombre)';
ALTER TABLE tickets
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT DISTINCT FROM 'missing_information'
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL)) NOT VALID;

UPDATE inbound_emails SET reason = 'auto_reply' WHERE reason = 'thanks';
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'own_address', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);
ALTER TABLE followups ADD CONSTRAINT followups_unverified CHECK (unverified IS NULL OR visibility = 'public') NOT VALID;
