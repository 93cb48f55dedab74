-- How often an account was tried from one place, or from anywhere that it was never signed in from, whether there is such
-- an account or not; kept as the SHA-256 of both.
DROP TABLE sign_in_attempts;
CREATE TABLE sign_in_attempts (
    subject_hash bytea PRIMARY KEY CHECK (length(subject_hash) = 32),
    -- Of the account alone.
    account_hash bytea NOT NULL CHECK (length(account_hash) = 32),
    attempts     integer NOT NULL,
    last_at      timestamptz NOT NULL,
    -- From when on the next one is looked at.
    next_at      timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_last_idx ON sign_in_attempts (last_at);
CREATE INDEX sign_in_attempts_account_idx ON sign_in_attempts (account_hash);

-- Where an account was signed in from.
CREATE TABLE sign_in_places (
    place_hash   bytea PRIMARY KEY CHECK (length(place_hash) = 32),
    account_hash bytea NOT NULL CHECK (length(account_hash) = 32),
    last_at      timestamptz NOT NULL
);
CREATE INDEX sign_in_places_last_idx ON sign_in_places (last_at);
CREATE INDEX sign_in_places_account_idx ON sign_in_places (account_hash);
