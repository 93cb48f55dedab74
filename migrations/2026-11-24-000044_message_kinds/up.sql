-- A kind that the contract does not name is none.
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN (
    'received', 'assigned', 'accepted', 'rescheduled', 'escalated', 'held', 'information_requested', 'resumed',
    'followup', 'due_soon', 'overdue', 'solved', 'closed', 'reopened', 'archived', 'survey_reminder',
    'action_overdue'
));
