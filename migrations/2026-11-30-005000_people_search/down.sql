DROP INDEX users_texts_idx;
DROP FUNCTION has_parts(text[], text[]);
DROP FUNCTION person_parts(text);
DROP FUNCTION person_texts(text, text, text);
DROP FUNCTION trigrams(text[]);
