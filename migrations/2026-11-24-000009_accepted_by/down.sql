ALTER TABLE attentions DROP COLUMN accepted_by;
