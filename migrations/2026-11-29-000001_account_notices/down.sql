UPDATE inbound_emails SET reason = 'sender_unclear' WHERE reason = 'own_address';
ALTER TABLE inbound_emails
    DROP CONSTRAINT inbound_emails_reason,
    ADD CONSTRAINT inbound_emails_reason CHECK (CASE status
        WHEN 'set_aside' THEN reason IN ('not_understood', 'sender_unclear', 'authentication_failed', 'sender_unverified',
            'sender_inactive', 'too_many_strangers', 'message_id_reused', 'failed')
        WHEN 'ignored' THEN reason IN ('own_mail', 'bounce', 'auto_reply', 'mailing_list', 'sender_limit')
        ELSE reason IS NULL END);

DELETE FROM messages WHERE kind IN ('email_changed', 'password_changed');
ALTER TABLE messages DROP CONSTRAINT messages_notice_address;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN (
    'parent_solved', 'received', 'assigned', 'accepted', 'rescheduled', 'escalated', 'held', 'information_requested',
    'resumed', 'followup', 'due_soon', 'overdue', 'solved', 'closed', 'reopened', 'archived', 'survey_reminder',
    'action_overdue', 'password_reset', 'invitation'
));
ALTER TABLE messages DROP CONSTRAINT messages_about;
ALTER TABLE messages ADD CONSTRAINT messages_about CHECK (
    num_nonnulls(ticket_id, improvement_action_id)
        = CASE WHEN kind IN ('password_reset', 'invitation') THEN 0 ELSE 1 END);
