-- A request that came by mail without the minimum data waits for them. It may go on without them only if it is critical,
-- because critical requests are attended immediately.
ALTER TABLE tickets
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT NULL
        OR information_deadline IS NOT NULL
        OR criticality IS NOT DISTINCT FROM 'critical'
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL));

-- A unit that was not known at the reception brings its head, for requests that only a head may make.
CREATE FUNCTION tickets_head_of_unit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.reception_head_id := (SELECT head_id FROM units WHERE id = NEW.requester_unit_id);
    RETURN NEW;
END $$;
CREATE TRIGGER tickets_head_of_unit BEFORE UPDATE OF requester_unit_id ON tickets FOR EACH ROW
    WHEN (OLD.requester_unit_id IS DISTINCT FROM NEW.requester_unit_id) EXECUTE FUNCTION tickets_head_of_unit();

-- People who are only known from their mail were named after their address.
UPDATE users SET full_name = '(sin nombre)' WHERE full_name = email AND password_hash IS NULL;

-- A reply to a ticket that was merged into that of another requester is a private followup there.
ALTER TABLE followups DROP CONSTRAINT followups_unverified;

-- A reply of thanks to a ticket that has ended is ignored.
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'own_address', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit', 'thanks')
        ELSE reason IS NULL END);
