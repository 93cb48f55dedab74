DROP TABLE sign_in_attempts;
ALTER TABLE users DROP COLUMN sign_in_era;
