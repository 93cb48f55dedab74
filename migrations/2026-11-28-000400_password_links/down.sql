DROP INDEX messages_about_account_idx;
DELETE FROM messages WHERE kind IN ('password_reset', 'invitation');
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN (
    'received', 'assigned', 'accepted', 'rescheduled', 'escalated', 'held', 'information_requested', 'resumed',
    'followup', 'due_soon', 'overdue', 'solved', 'closed', 'reopened', 'archived', 'survey_reminder',
    'action_overdue'
));
ALTER TABLE messages DROP CONSTRAINT messages_about;
ALTER TABLE messages ADD CONSTRAINT messages_about CHECK (num_nonnulls(ticket_id, improvement_action_id) = 1);
DROP TABLE password_reset_requests;
DROP TABLE password_links;
