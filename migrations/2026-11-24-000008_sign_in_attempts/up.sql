-- How often all sign-ins of a person were ended at once: an access token holds as long as this number is the one that it
-- was made under.
ALTER TABLE users ADD COLUMN sign_in_era integer NOT NULL DEFAULT 0;

-- How often an address was tried since a moment, whether it has an account or not; kept as the SHA-256 of the address.
CREATE TABLE sign_in_attempts (
    address_hash bytea PRIMARY KEY CHECK (length(address_hash) = 32),
    attempts     integer NOT NULL,
    since        timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_since_idx ON sign_in_attempts (since);
