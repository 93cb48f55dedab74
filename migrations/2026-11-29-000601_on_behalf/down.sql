UPDATE inbound_emails SET reason = 'sender_inactive' WHERE reason = 'contract_ended';
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'own_address', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit', 'thanks')
        ELSE reason IS NULL END);
DROP INDEX users_document_idx;
ALTER TABLE users DROP CONSTRAINT users_without_address;
