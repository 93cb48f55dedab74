DROP INDEX followups_words_idx;
