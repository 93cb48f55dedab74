-- Waiting for information that the requester owes, and requests that are presented again.

-- Why a ticket was on hold. Only `information` pauses the attention clock.
ALTER TABLE holds ADD COLUMN kind text NOT NULL DEFAULT 'hold' CHECK (kind IN ('hold', 'information'));
ALTER TABLE holds ALTER COLUMN kind DROP DEFAULT;

ALTER TABLE tickets
    -- The state that a ticket on hold goes back to.
    ADD COLUMN resumes_to           text,
    -- Until when the requester may answer; null unless the ticket waits for that.
    ADD COLUMN information_deadline timestamptz,
    -- The archived ticket that this one presents again: once at most.
    ADD COLUMN resubmission_of      bigint REFERENCES tickets UNIQUE CHECK (resubmission_of < id);

UPDATE tickets SET resumes_to = CASE WHEN accepted_at IS NULL THEN 'assigned' ELSE 'in_progress' END
WHERE status = 'on_hold';

-- A ticket on hold is made of what the state it goes back to is made of; and only who waits for the requester may wait
-- before somebody has the case.
ALTER TABLE tickets
    DROP CONSTRAINT tickets_check1,
    DROP CONSTRAINT tickets_check3,
    DROP CONSTRAINT tickets_check4,
    DROP CONSTRAINT tickets_check5,
    ADD CONSTRAINT tickets_resumes_to CHECK ((status = 'on_hold') = (resumes_to IS NOT NULL)),
    ADD CONSTRAINT tickets_resumes_to_state CHECK (resumes_to IN
        ('received', 'classified', 'assigned', 'in_progress', 'escalated')),
    ADD CONSTRAINT tickets_information_deadline CHECK (information_deadline IS NULL OR status = 'on_hold'),
    ADD CONSTRAINT tickets_hold CHECK
        (status <> 'on_hold' OR information_deadline IS NOT NULL OR resumes_to IN ('assigned', 'in_progress')),
    ADD CONSTRAINT tickets_criticality CHECK
        (coalesce(resumes_to, status) IN ('received', 'archived') OR criticality IS NOT NULL),
    ADD CONSTRAINT tickets_no_assignee CHECK
        ((coalesce(resumes_to, status) IN ('received', 'classified', 'escalated')) <= (assignee_id IS NULL)),
    ADD CONSTRAINT tickets_assignee CHECK
        ((coalesce(resumes_to, status) IN ('assigned', 'in_progress', 'solved', 'closed')) <= (assignee_id IS NOT NULL)),
    ADD CONSTRAINT tickets_accepted CHECK
        ((coalesce(resumes_to, status) IN ('in_progress', 'solved', 'closed')) <= (accepted_at IS NOT NULL));

-- Whose silence archives them.
CREATE INDEX tickets_information_deadline_idx ON tickets (information_deadline)
    WHERE information_deadline IS NOT NULL;
