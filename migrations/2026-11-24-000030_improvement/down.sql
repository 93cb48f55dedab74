DELETE FROM messages WHERE ticket_id IS NULL;
ALTER TABLE messages
    DROP COLUMN improvement_action_id,
    ALTER COLUMN ticket_id SET NOT NULL;
DELETE FROM attachments WHERE improvement_action_id IS NOT NULL;
ALTER TABLE attachments
    DROP COLUMN improvement_action_id,
    ADD CONSTRAINT attachments_check CHECK (num_nonnulls(ticket_id, article_id) = 1);
DROP TABLE improvement_followups;
DROP FUNCTION improvement_followups_keep;
DROP TABLE improvement_actions;
DROP FUNCTION improvement_actions_keep;
DROP TABLE risks;
DROP FUNCTION risk_level;
