-- A kind that the contract does not name is none.
ALTER TABLE events DROP CONSTRAINT events_kind_check;
ALTER TABLE events ADD CONSTRAINT events_kind_check CHECK (kind IN (
    'received', 'changed', 'classified', 'assigned', 'accepted', 'rescheduled',
    'escalated', 'held', 'information_requested', 'resumed', 'followup_added', 'followup_published',
    'file_attached', 'due_changed', 'due_soon', 'overdue', 'solved', 'closed',
    'reopened', 'archived', 'resubmitted', 'merged', 'duplicate_merged', 'related',
    'unrelated'
));
