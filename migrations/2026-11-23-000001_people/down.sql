DROP TABLE idempotency_keys;
DROP TABLE refresh_tokens;
ALTER TABLE units DROP CONSTRAINT units_head_id_fkey;
DROP TABLE users;
DROP TABLE units;
DROP FUNCTION fold(text);
DROP EXTENSION unaccent;
