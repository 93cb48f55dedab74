-- Tickets are found by words of their followups. The words are stored: a search that compares phrases, or the followups of one
-- requester, would compute those of many long texts again.
CREATE TABLE followup_words (
    followup_id uuid PRIMARY KEY,
    ticket_id   bigint NOT NULL,
    words       tsvector NOT NULL
);
INSERT INTO followup_words SELECT f.id, f.ticket_id, search_words(f.body) FROM followups f ORDER BY f.ticket_id, f.id;
CREATE INDEX followup_words_idx ON followup_words USING gin (words) WITH (fastupdate = off);

CREATE FUNCTION followups_words() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO followup_words VALUES (NEW.id, NEW.ticket_id, search_words(NEW.body))
    ON CONFLICT (followup_id) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END $$;
ALTER TABLE followup_words ADD FOREIGN KEY (followup_id) REFERENCES followups ON DELETE CASCADE;
CREATE TRIGGER followups_words_new AFTER INSERT ON followups FOR EACH ROW EXECUTE FUNCTION followups_words();
CREATE TRIGGER followups_words_changed AFTER UPDATE ON followups FOR EACH ROW
    WHEN (OLD.body IS DISTINCT FROM NEW.body) EXECUTE FUNCTION followups_words();

-- Followups of other copies of the server since the words were read; the triggers see all later ones.
INSERT INTO followup_words SELECT f.id, f.ticket_id, search_words(f.body) FROM followups f
WHERE f.created_at > now() - interval '1 hour' ON CONFLICT DO NOTHING;
ANALYZE followup_words;
