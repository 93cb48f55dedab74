-- Work that takes longer than a request. A copy of the server takes a job for the length of a lease; if it dies, another one
-- continues. `seen` is what the owner could see when the job was created: the file of an export is for nobody who sees less.
CREATE TABLE jobs (
    id           uuid PRIMARY KEY,
    owner_id     uuid NOT NULL REFERENCES users,
    -- The key with which the job was created: the job ends with it.
    key_id       uuid,
    -- Of a job that was created with a sign-in: the job ends with the sign-ins of this era.
    era          integer,
    kind         text NOT NULL CHECK (kind IN ('ticket_bulk', 'ticket_export')),
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'canceled')),
    locale       text NOT NULL,
    parameters   jsonb NOT NULL,
    seen         text NOT NULL CHECK (length(seen) <= 64),
    -- Operations or rows.
    total        integer CHECK (total >= 0),
    done         integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    refused      integer NOT NULL DEFAULT 0 CHECK (refused BETWEEN 0 AND done),
    problem      jsonb,
    storage_key  text,
    file_name    text CHECK (length(file_name) <= 255),
    content_type text CHECK (length(content_type) <= 255),
    size         bigint CHECK (size >= 0),
    sha256       text CHECK (length(sha256) = 64),
    attempts     smallint NOT NULL DEFAULT 0,
    locked_until timestamptz,
    locked_by    uuid,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT jobs_finished CHECK ((finished_at IS NULL) = (state IN ('waiting', 'running'))),
    CONSTRAINT jobs_proof CHECK (num_nonnulls(key_id, era) = 1),
    CONSTRAINT jobs_file CHECK (num_nonnulls(storage_key, file_name, content_type, size, sha256) IN (0, 5)),
    CONSTRAINT jobs_problem CHECK ((problem IS NOT NULL) = (state = 'failed'))
);
CREATE INDEX jobs_unfinished_idx ON jobs (owner_id, created_at, id) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_created_idx ON jobs (owner_id, created_at, id);
CREATE INDEX jobs_expires_idx ON jobs (expires_at);

-- The operations of a job, and what became of each. The operation is removed once it was carried out, with the data in it.
CREATE TABLE job_operations (
    job_id    uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    position  integer NOT NULL CHECK (position >= 0),
    -- As text, since jsonb cannot hold every name that a client may send.
    operation json,
    result    json,
    PRIMARY KEY (job_id, position),
    CONSTRAINT job_operations_done CHECK (operation IS NULL OR result IS NULL)
);
