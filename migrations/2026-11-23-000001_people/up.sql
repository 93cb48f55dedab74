-- Who there is: administrative units, their people, and the sign-ins of those people.

-- A name as people look for it and sort it: accents and case do not matter, whatever locale the database has.
CREATE EXTENSION IF NOT EXISTS unaccent;
-- The extension may have been created before, in another schema.
DO $do$
DECLARE
    place text := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT lower(%1$s.unaccent(%2$L, $1))
        $$', place, place || '.unaccent');
END $do$;

CREATE TABLE units (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key   text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED,
    head_id    uuid,
    active     boolean NOT NULL DEFAULT true,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX units_name_key ON units (name_key);

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('requester', 'technician', 'professional', 'director')),
    full_name     text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 200),
    full_name_key text NOT NULL GENERATED ALWAYS AS (fold(full_name)) STORED,
    document_id   text,
    landline      text,
    extension     text,
    mobile        text,
    unit_id       uuid REFERENCES units,
    locale        text NOT NULL DEFAULT 'es' CHECK (locale IN ('es', 'en')),
    active        boolean NOT NULL DEFAULT true,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_full_name_idx ON users (full_name_key, id);
CREATE INDEX users_role_idx ON users (role) WHERE active;
CREATE INDEX users_unit_idx ON users (unit_id);

ALTER TABLE units ADD CONSTRAINT units_head_id_fkey FOREIGN KEY (head_id) REFERENCES users;
CREATE INDEX units_head_idx ON units (head_id);

-- A refresh token is kept as the SHA-256 of what the client holds. A family is one sign-in: each use replaces the
-- token by the next of the family, and a used one presented again ends them all.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    family_id  uuid NOT NULL,
    user_id    uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);

-- The first answer to each `Idempotency-Key`, kept for a day.
CREATE TABLE idempotency_keys (
    user_id      uuid NOT NULL REFERENCES users,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    etag         text,
    location     text,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
