DROP TABLE followups;
DROP FUNCTION followups_keep;
DROP TABLE escalations;
DROP TABLE holds;
DROP TABLE attentions;
DROP TABLE tickets;
DROP TABLE attention_times;
DROP TABLE categories;
