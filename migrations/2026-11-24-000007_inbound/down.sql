DROP TABLE inbound_emails;
DROP FUNCTION inbound_emails_keep;

DELETE FROM ticket_relations WHERE kind = 'continues';
ALTER TABLE ticket_relations
    DROP CONSTRAINT ticket_relations_kind_check,
    ADD CONSTRAINT ticket_relations_kind_check CHECK (kind IN ('duplicate_of', 'caused_by', 'parent_of'));

-- Tickets that lack data get some that say so.
ALTER TABLE tickets DROP CONSTRAINT tickets_requester_unit, DROP CONSTRAINT tickets_minimum_data;
INSERT INTO units (id, name)
SELECT gen_random_uuid(), 'Sin unidad administrativa'
WHERE EXISTS (SELECT FROM tickets WHERE requester_unit_id IS NULL)
ON CONFLICT (name_key) DO NOTHING;
UPDATE tickets SET
    requester_document_id = coalesce(requester_document_id, '—'),
    requester_extension = CASE WHEN coalesce(requester_landline, requester_extension, requester_mobile) IS NULL
        THEN '—' ELSE requester_extension END,
    requester_unit_id = coalesce(requester_unit_id,
        (SELECT u.id FROM units u WHERE u.name_key = fold('Sin unidad administrativa'))),
    requester_unit_name = coalesce(requester_unit_name, 'Sin unidad administrativa')
WHERE archive_reason = 'missing_information';
ALTER TABLE tickets
    ALTER COLUMN requester_document_id SET NOT NULL,
    ALTER COLUMN requester_unit_id SET NOT NULL,
    ALTER COLUMN requester_unit_name SET NOT NULL,
    ADD CONSTRAINT tickets_check CHECK (coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL);

-- Nobody knows a password of these hashes, and to try one takes as long as with any other. The salt, "no password",
-- tells them apart on the way up.
UPDATE users
SET password_hash = '$argon2id$v=19$m=19456,t=2,p=1$bm8gcGFzc3dvcmQ$'
    || rtrim(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '=')
WHERE password_hash IS NULL;
ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
