ALTER TABLE attentions DROP COLUMN opening_hours;
ALTER TABLE attentions DROP COLUMN policy_id;
DROP TABLE attention_applications;
DROP TABLE attention_policies;
DROP FUNCTION attention_policies_keep;
ALTER TABLE attention_times DROP COLUMN calendar_id;
DROP TABLE calendars;
