DROP TRIGGER tickets_head_of_unit ON tickets;
DROP FUNCTION tickets_head_of_unit();
UPDATE users SET full_name = email WHERE full_name = '(sin nombre)';

-- Requests that wait for minimum data are archived; critical ones get data that say that they lack them.
WITH incomplete AS (
    SELECT id FROM tickets
    WHERE information_deadline IS NOT NULL
        AND (requester_document_id IS NULL OR requester_unit_id IS NULL
            OR coalesce(requester_landline, requester_extension, requester_mobile) IS NULL)),
ended AS (
    UPDATE holds SET ended_at = greatest(started_at, now())
    FROM incomplete WHERE ticket_id = incomplete.id AND ended_at IS NULL)
UPDATE tickets SET status = 'archived', archived_at = now(), archive_reason = 'missing_information', resumes_to = NULL,
    information_deadline = NULL
FROM incomplete WHERE tickets.id = incomplete.id;
INSERT INTO units (id, name)
SELECT gen_random_uuid(), 'Sin unidad administrativa'
WHERE EXISTS (SELECT FROM tickets WHERE requester_unit_id IS NULL AND archive_reason IS DISTINCT FROM 'missing_information')
ON CONFLICT (name_key) DO NOTHING;
UPDATE tickets SET
    requester_document_id = coalesce(requester_document_id, '—'),
    requester_extension = CASE WHEN coalesce(requester_landline, requester_extension, requester_mobile) IS NULL
        THEN '—' ELSE requester_extension END,
    requester_unit_id = coalesce(requester_unit_id,
        (SELECT u.id FROM units u WHERE u.name_key = fold('Sin unidad administrativa'))),
    requester_unit_name = coalesce(requester_unit_name, 'Sin unidad administrativa')
WHERE archive_reason IS DISTINCT FROM 'missing_information'
    AND (requester_document_id IS NULL OR requester_unit_id IS NULL
        OR coalesce(requester_landline, requester_extension, requester_mobile) IS NULL);
ALTER TABLE tickets
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT DISTINCT FROM 'missing_information'
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL));

UPDATE inbound_emails SET reason = 'auto_reply' WHERE reason = 'thanks';
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'own_address', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);
ALTER TABLE followups DISABLE TRIGGER followups_keep;
UPDATE followups SET unverified = NULL WHERE visibility <> 'public';
ALTER TABLE followups ENABLE TRIGGER followups_keep;
ALTER TABLE followups ADD CONSTRAINT followups_unverified CHECK (unverified IS NULL OR visibility = 'public');
