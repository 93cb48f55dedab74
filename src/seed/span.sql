-- The years until last midnight in the entity's time zone, and the settings of each session.

-- There are few statements with many rows: their compilation would take longer than their execution.
SET jit = off;
SET work_mem = '64MB';
SET synchronous_commit = off;

CREATE TEMP TABLE span AS
SELECT now, began_local, ended_local, began_local AT TIME ZONE '{timezone}' AS began
FROM (SELECT '{now}'::timestamptz AS now) AS moment,
    LATERAL (SELECT date_trunc('day', now AT TIME ZONE '{timezone}') AS ended_local) AS today,
    LATERAL (SELECT ended_local - interval '{years} years' AS began_local) AS before;
ANALYZE span;
