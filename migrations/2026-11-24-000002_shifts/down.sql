DROP INDEX attentions_assignee_idx;
CREATE INDEX attentions_assignee_idx ON attentions (assignee_id);
DROP TABLE absences;
DROP FUNCTION shift_begin(shifts);
DROP FUNCTION shift_minutes(shifts);
DROP TABLE shifts;
DROP FUNCTION shifts_apart;
ALTER TABLE users DROP COLUMN contract_ends_on;
