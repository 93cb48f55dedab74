DROP TABLE sign_in_places;
DROP TABLE sign_in_attempts;
CREATE TABLE sign_in_attempts (
    address_hash bytea PRIMARY KEY CHECK (length(address_hash) = 32),
    attempts     integer NOT NULL,
    since        timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_since_idx ON sign_in_attempts (since);
