DROP TRIGGER keep_unchanged ON survey_questions;
DROP TRIGGER keep_unchanged ON attention_times;
DROP TRIGGER keep_unchanged ON calendars;
DROP TRIGGER keep_unchanged ON categories;
DROP TRIGGER keep_unchanged ON units;
DROP FUNCTION keep_unchanged();
