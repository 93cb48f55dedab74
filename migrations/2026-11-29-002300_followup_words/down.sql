DROP TRIGGER followups_words_changed ON followups;
DROP TRIGGER followups_words_new ON followups;
DROP FUNCTION followups_words();
DROP TABLE followup_words;
