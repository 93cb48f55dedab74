-- Tickets are found by words of their followups. The index computes them: no followup is written again, and an erased text
-- leaves nothing behind.
CREATE INDEX followups_words_idx ON followups USING gin (search_words(body));
ANALYZE followups;
