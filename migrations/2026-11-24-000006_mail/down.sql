DROP TABLE survey_answers;
DROP FUNCTION survey_answers_keep;
DROP TABLE survey_questions;
DROP FUNCTION survey_questions_keep;
DROP TABLE survey_tokens;
ALTER TABLE surveys
    DROP COLUMN offered_at,
    DROP COLUMN reminded_at;
DROP INDEX messages_next_attempt_idx;
DROP INDEX messages_created_at_idx;
DROP INDEX messages_status_idx;
DROP INDEX messages_kind_idx;
DROP INDEX messages_recipient_idx;
ALTER TABLE messages
    DROP COLUMN attempts,
    DROP COLUMN next_attempt_at,
    DROP COLUMN locked_until,
    DROP COLUMN last_error,
    DROP COLUMN sent_at,
    DROP COLUMN sent_to,
    DROP COLUMN sent_subject,
    DROP COLUMN sent_text;
CREATE INDEX messages_waiting_idx ON messages (created_at, id) WHERE status = 'waiting';
ALTER TABLE users DROP COLUMN staff_mail;
