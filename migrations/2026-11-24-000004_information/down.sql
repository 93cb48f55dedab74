-- What waits for its requester goes back to where it was, and its clock runs as it did before.
UPDATE holds SET ended_at = greatest(now(), started_at) WHERE kind = 'information' AND ended_at IS NULL;
UPDATE tickets t SET
    attention_due_at = a.due_at,
    attention_due_soon_at = a.due_at - (a.due_at - a.started_at) / 4
FROM attentions a
WHERE a.ticket_id = t.id AND a.level = t.support_level
    AND t.information_deadline IS NOT NULL AND t.clock_stopped_at IS NULL;
UPDATE tickets SET status = resumes_to, resumes_to = NULL, information_deadline = NULL
WHERE information_deadline IS NOT NULL;

ALTER TABLE tickets
    DROP CONSTRAINT tickets_resumes_to,
    DROP CONSTRAINT tickets_resumes_to_state,
    DROP CONSTRAINT tickets_information_deadline,
    DROP CONSTRAINT tickets_hold,
    DROP CONSTRAINT tickets_criticality,
    DROP CONSTRAINT tickets_no_assignee,
    DROP CONSTRAINT tickets_assignee,
    DROP CONSTRAINT tickets_accepted,
    ADD CONSTRAINT tickets_check1 CHECK (status IN ('received', 'archived') OR criticality IS NOT NULL),
    ADD CONSTRAINT tickets_check3 CHECK
        ((status IN ('received', 'classified', 'escalated')) <= (assignee_id IS NULL)),
    ADD CONSTRAINT tickets_check4 CHECK
        ((status IN ('assigned', 'in_progress', 'on_hold', 'solved', 'closed')) <= (assignee_id IS NOT NULL)),
    ADD CONSTRAINT tickets_check5 CHECK
        ((status IN ('in_progress', 'solved', 'closed')) <= (accepted_at IS NOT NULL)),
    DROP COLUMN resumes_to,
    DROP COLUMN information_deadline,
    DROP COLUMN resubmission_of;
ALTER TABLE holds DROP COLUMN kind;
