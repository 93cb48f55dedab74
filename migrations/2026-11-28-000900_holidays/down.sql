ALTER TABLE attention_policies DROP COLUMN holiday_set_id;
ALTER TABLE attentions DROP COLUMN holiday_set_id;
DROP TABLE holiday_sets;
DROP FUNCTION holiday_sets_keep;
DROP TABLE holidays;
DROP FUNCTION holidays_keep_shipped;
