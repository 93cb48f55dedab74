-- The last runs of each background task, whichever copy of the server carried them out. One row for each task, so that it is
-- small and its changes need no index but the key.
CREATE TABLE background_tasks (
    name              text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
    last_started_at   timestamptz NOT NULL,
    last_succeeded_at timestamptz,
    last_failed_at    timestamptz,
    last_error        text CHECK (length(last_error) <= 1000),
    duration_ms       bigint NOT NULL,
    -- Failed runs since the last success.
    failures          integer NOT NULL
) WITH (fillfactor = 50);
