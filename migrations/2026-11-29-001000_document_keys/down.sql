DROP TRIGGER note_contract ON users;
DROP FUNCTION note_contract();
ALTER TABLE users DROP COLUMN contract_set_at;
DROP INDEX users_document_key_idx;
DROP FUNCTION document_key(text);
