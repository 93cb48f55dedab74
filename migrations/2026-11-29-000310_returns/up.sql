-- A return lowers the support level by one. It is a change of level like an escalation, without a third party, and never
-- automatic.
ALTER TABLE escalations
    DROP CONSTRAINT escalations_check,
    ADD CONSTRAINT escalations_direction CHECK (to_level > from_level
        OR (to_level = from_level - 1 AND third_party IS NULL AND escalated_by IS NOT NULL));

-- A ticket that was returned can have several clocks for one level. `attentions` has the clocks since the last return;
-- earlier ones are kept here, numbered by return.
CREATE TABLE earlier_attentions (
    ticket_id       bigint NOT NULL REFERENCES tickets,
    round           integer NOT NULL CHECK (round > 0),
    level           smallint NOT NULL CHECK (level BETWEEN 1 AND 3),
    started_at      timestamptz NOT NULL,
    minutes         integer NOT NULL CHECK (minutes > 0),
    due_at          timestamptz NOT NULL,
    assignee_id     uuid REFERENCES users,
    assigned_at     timestamptz,
    accepted_at     timestamptz,
    accepted_by     uuid REFERENCES users,
    policy_id       uuid REFERENCES attention_policies,
    opening_hours   text NOT NULL,
    working_minutes float8 CHECK (working_minutes >= 0),
    holiday_set_id  uuid NOT NULL REFERENCES holiday_sets,
    PRIMARY KEY (ticket_id, round, level)
);
CREATE INDEX earlier_attentions_assignee_idx ON earlier_attentions (assignee_id, assigned_at);
CREATE INDEX earlier_attentions_accepted_at_idx ON earlier_attentions (accepted_at) WHERE accepted_at IS NOT NULL;
CREATE INDEX earlier_attentions_accepted_by_idx ON earlier_attentions (accepted_by, accepted_at);

-- All clocks of a ticket; those since the last return have no `round`.
CREATE VIEW attention_clocks AS
    SELECT ticket_id, round, level, started_at, minutes, due_at, assignee_id, assigned_at, accepted_at, accepted_by,
        policy_id, opening_hours, working_minutes, holiday_set_id
    FROM earlier_attentions
    UNION ALL
    SELECT ticket_id, NULL, level, started_at, minutes, due_at, assignee_id, assigned_at, accepted_at, accepted_by,
        policy_id, opening_hours, working_minutes, holiday_set_id
    FROM attentions;

-- Another kind of event and of message. The kinds that the constraints name so far stay.
DO $$
DECLARE
    events_known   text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'events_kind_check' AND conrelid = 'events'::regclass);
    messages_known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE events DROP CONSTRAINT events_kind_check;
    EXECUTE 'ALTER TABLE events ADD CONSTRAINT events_kind_check '
        || replace(events_known, 'ARRAY[', 'ARRAY[''returned''::text, ');
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(messages_known, 'ARRAY[', 'ARRAY[''returned''::text, ');
END $$;
