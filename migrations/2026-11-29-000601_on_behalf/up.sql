-- A ticket that staff register for a caller. The person is found by document or address; otherwise they get an account that
-- nobody signs in to. A person without an address has one in a domain to which no mail can be delivered (RFC 2606): the
-- previous version of the server reads an address of every account.
ALTER TABLE users ADD CONSTRAINT users_without_address CHECK (
    lower(email) NOT LIKE '%@no-address.invalid'
    OR email = id::text || '@no-address.invalid' AND password_hash IS NULL);
CREATE INDEX users_document_idx ON users (btrim(document_id)) WHERE document_id IS NOT NULL;

-- A message from somebody whose contract has ended is set aside: it cannot register a ticket.
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'contract_ended', 'own_address', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit', 'thanks')
        ELSE reason IS NULL END);
