-- What the figures of a past period are counted from: nothing here changes by what becomes of a ticket later.

-- How much of the time counted on the calendar: from the reception until the first acceptance, and from the start of a
-- level's clock until its acceptance. Null where it is not reckoned yet.
ALTER TABLE tickets ADD COLUMN attended_working_minutes float8 CHECK (attended_working_minutes >= 0);
ALTER TABLE attentions ADD COLUMN working_minutes float8 CHECK (working_minutes >= 0);
CREATE INDEX tickets_unmeasured_idx ON tickets (id) WHERE attended_at IS NOT NULL AND attended_working_minutes IS NULL;
CREATE INDEX attentions_unmeasured_idx ON attentions (ticket_id)
    WHERE accepted_at IS NOT NULL AND working_minutes IS NULL;

-- Each stretch of time for which a ticket was open: since its reception or a reopening, until it was solved or archived.
CREATE TABLE openings (
    ticket_id       bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
    number          integer NOT NULL CHECK (number > 0),
    opened_at       timestamptz NOT NULL,
    ended_at        timestamptz,
    outcome         text CHECK (outcome IN ('solved', 'archived')),
    -- Who solved it, at which support level it was then.
    solved_by_id    uuid REFERENCES users,
    support_level   smallint CHECK (support_level BETWEEN 1 AND 3),
    -- When the solution was found not to hold.
    reopened_at     timestamptz,
    -- How much of the time from the ticket's reception until the solution counted on its calendar.
    working_minutes float8 CHECK (working_minutes >= 0),
    -- Open before a moment and not ended before it. Clocks that were set back make an empty one.
    open_during     tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(least(opened_at, ended_at), ended_at, '(]')) STORED,
    PRIMARY KEY (ticket_id, number),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (reopened_at IS NULL OR outcome IS NOT DISTINCT FROM 'solved')
);

-- What is known of before: the history has every solution and every reopening.
WITH turns AS (
    SELECT ticket_id, kind, at, actor_id, row_number() OVER (PARTITION BY ticket_id, kind ORDER BY seq) AS n
    FROM events WHERE kind IN ('solved', 'reopened')
), known AS (
    SELECT t.id, numbers.n, numbers.n > reopenings.n AS last, coalesce(began.at, t.received_at) AS opened_at,
        solution.at AS solved_at, solution.actor_id, reopening.at AS reopened_at,
        t.solved_at AS present_solved_at, t.archived_at, t.solved_by_id
    FROM tickets t
    CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM turns WHERE turns.ticket_id = t.id AND turns.kind = 'reopened'
    ) AS reopenings
    CROSS JOIN LATERAL generate_series(1, reopenings.n + 1) AS numbers (n)
    LEFT JOIN turns began ON began.ticket_id = t.id AND began.kind = 'reopened' AND began.n = numbers.n - 1
    LEFT JOIN turns solution ON solution.ticket_id = t.id AND solution.kind = 'solved' AND solution.n = numbers.n
    LEFT JOIN turns reopening ON reopening.ticket_id = t.id AND reopening.kind = 'reopened' AND reopening.n = numbers.n
), ended AS (
    SELECT *, CASE WHEN last THEN coalesce(present_solved_at, archived_at) ELSE coalesce(solved_at, reopened_at) END AS ended_at
    FROM known
)
INSERT INTO openings (ticket_id, number, opened_at, ended_at, outcome, solved_by_id, support_level, reopened_at)
SELECT id, n, opened_at, ended_at,
    CASE WHEN ended_at IS NULL THEN NULL WHEN last AND present_solved_at IS NULL THEN 'archived' ELSE 'solved' END,
    CASE WHEN ended_at IS NULL THEN NULL WHEN last THEN solved_by_id ELSE actor_id END,
    CASE WHEN ended_at IS NOT NULL THEN coalesce(
        (SELECT max(to_level) FROM escalations e WHERE e.ticket_id = ended.id AND e.created_at <= ended_at), 1::smallint) END,
    reopened_at
FROM ended;

CREATE UNIQUE INDEX openings_one_open_idx ON openings (ticket_id) WHERE ended_at IS NULL;
CREATE INDEX openings_open_during_idx ON openings USING gist (open_during);
CREATE INDEX openings_solved_idx ON openings (ended_at, ticket_id) WHERE outcome = 'solved';
CREATE INDEX openings_solved_by_idx ON openings (solved_by_id, ended_at) WHERE outcome = 'solved';
CREATE INDEX openings_reopened_idx ON openings (reopened_at, ticket_id) WHERE reopened_at IS NOT NULL;
CREATE INDEX openings_unmeasured_idx ON openings (ticket_id) WHERE outcome = 'solved' AND working_minutes IS NULL;

-- Kept by the database, so that no way to change a ticket can forget it.
CREATE FUNCTION tickets_openings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    latest integer;
    ended  timestamptz := coalesce(NEW.solved_at, NEW.archived_at);
BEGIN
    IF TG_OP = 'INSERT' THEN
        latest := 1;
        INSERT INTO openings (ticket_id, number, opened_at) VALUES (NEW.id, latest, NEW.received_at);
    ELSE
        SELECT max(number) INTO latest FROM openings WHERE ticket_id = NEW.id;
        IF ended IS NULL AND coalesce(OLD.solved_at, OLD.archived_at) IS NOT NULL THEN
            UPDATE openings SET reopened_at = NEW.updated_at WHERE ticket_id = NEW.id AND number = latest;
            latest := latest + 1;
            INSERT INTO openings (ticket_id, number, opened_at) VALUES (NEW.id, latest, NEW.updated_at);
        END IF;
        IF OLD.received_at <> NEW.received_at AND latest > 1 THEN
            UPDATE openings SET opened_at = NEW.received_at WHERE ticket_id = NEW.id AND number = 1;
        END IF;
    END IF;
    IF ended IS NOT NULL OR OLD.received_at <> NEW.received_at THEN
        UPDATE openings SET
            opened_at = CASE WHEN number = 1 THEN NEW.received_at ELSE opened_at END,
            ended_at = ended,
            outcome = CASE WHEN NEW.solved_at IS NOT NULL THEN 'solved' WHEN ended IS NOT NULL THEN 'archived' END,
            solved_by_id = NEW.solved_by_id,
            support_level = CASE WHEN ended IS NOT NULL THEN NEW.support_level END
        WHERE ticket_id = NEW.id AND number = latest;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tickets_openings_new AFTER INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION tickets_openings();
CREATE TRIGGER tickets_openings_changed AFTER UPDATE ON tickets FOR EACH ROW
    WHEN ((OLD.received_at, OLD.solved_at, OLD.archived_at) IS DISTINCT FROM (NEW.received_at, NEW.solved_at, NEW.archived_at))
    EXECUTE FUNCTION tickets_openings();

-- What the lists behind the figures look for.
DROP INDEX attentions_accepted_by_idx;
CREATE INDEX attentions_accepted_by_idx ON attentions (accepted_by, accepted_at);
CREATE INDEX escalations_escalated_by_idx ON escalations (escalated_by, created_at);
CREATE INDEX articles_published_at_idx ON articles (published_at, id) WHERE published_at IS NOT NULL;
CREATE INDEX article_revisions_changed_at_idx ON article_revisions (changed_at);
