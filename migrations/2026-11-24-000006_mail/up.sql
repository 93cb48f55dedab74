-- Mail: how the sending of each message stands, the links that open a survey, and the survey's questions.

-- Whether one is told by mail of what one does for the desk; what one asked for is always told.
ALTER TABLE users ADD COLUMN staff_mail boolean NOT NULL DEFAULT true;

ALTER TABLE messages
    -- How often the mail server was asked to take it, and answered or was lost.
    ADD COLUMN attempts        smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now(),
    -- Until when it is in the hands of one copy of the server; past that the copy is taken for dead.
    ADD COLUMN locked_until    timestamptz,
    -- What went wrong the last time.
    ADD COLUMN last_error      text,
    -- What was sent, to which address; the link of a survey is not in it.
    ADD COLUMN sent_at         timestamptz,
    ADD COLUMN sent_to         text,
    ADD COLUMN sent_subject    text,
    ADD COLUMN sent_text       text,
    ADD CHECK ((status = 'sent') = (num_nulls(sent_at, sent_to, sent_subject, sent_text) = 0)),
    ADD CHECK (status = 'waiting' OR locked_until IS NULL),
    ADD CHECK (status <> 'failed' OR last_error IS NOT NULL);
DROP INDEX messages_waiting_idx;
CREATE INDEX messages_next_attempt_idx ON messages (next_attempt_at, id) WHERE status = 'waiting';
CREATE INDEX messages_created_at_idx ON messages (created_at, id);
CREATE INDEX messages_status_idx ON messages (status, created_at, id);
CREATE INDEX messages_kind_idx ON messages (kind, created_at, id);
CREATE INDEX messages_recipient_idx ON messages (recipient_id);

ALTER TABLE surveys
    -- When the requester was last asked: at the latest solution.
    ADD COLUMN offered_at  timestamptz NOT NULL DEFAULT now(),
    -- When the one reminder was queued.
    ADD COLUMN reminded_at timestamptz;
ALTER TABLE surveys DISABLE TRIGGER surveys_keep;
UPDATE surveys SET offered_at = created_at;
ALTER TABLE surveys ENABLE TRIGGER surveys_keep;
CREATE INDEX surveys_reminder_idx ON surveys (offered_at) WHERE status = 'pending' AND reminded_at IS NULL;

-- The links that open a survey, one a mail. Each is kept as the SHA-256 of its token; the token itself is in the mail
-- alone. One that has expired stays, so that whoever follows it is told so.
CREATE TABLE survey_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    survey_id  uuid NOT NULL REFERENCES surveys ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE INDEX survey_tokens_survey_idx ON survey_tokens (survey_id);

-- What the survey asks. The four standing questions are columns of the survey and feed the figures of the quarter: they
-- may be reworded and moved, and that is all.
CREATE TABLE survey_questions (
    id         uuid PRIMARY KEY,
    key        text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{0,49}$'),
    kind       text NOT NULL DEFAULT 'rating' CHECK (kind IN ('rating')),
    text_es    text NOT NULL CHECK (length(text_es) BETWEEN 1 AND 300),
    text_en    text NOT NULL CHECK (length(text_en) BETWEEN 1 AND 300),
    position   integer NOT NULL CHECK (position BETWEEN 1 AND 1000),
    standing   boolean NOT NULL DEFAULT false,
    active     boolean NOT NULL DEFAULT true,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (active OR NOT standing)
);
CREATE UNIQUE INDEX survey_questions_key ON survey_questions (key);
CREATE INDEX survey_questions_position_idx ON survey_questions (position, id);
INSERT INTO survey_questions (id, key, text_es, text_en, position, standing) VALUES
    (gen_random_uuid(), 'overall', '¿Cómo califica el servicio en general?', 'How do you rate the service as a whole?', 10, true),
    (gen_random_uuid(), 'timeliness', '¿Qué tan oportuna fue la atención?', 'How timely was the attention?', 20, true),
    (gen_random_uuid(), 'courtesy', '¿Cómo fue el trato que recibió?', 'How were you treated?', 30, true),
    (gen_random_uuid(), 'solution', '¿Qué tan bien se solucionó lo que pidió?', 'How well was your request solved?', 40, true);

CREATE FUNCTION survey_questions_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.standing AND (TG_OP = 'DELETE' OR NOT NEW.standing OR NEW.key <> OLD.key) THEN
        RAISE EXCEPTION 'a standing question stays';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER survey_questions_keep BEFORE UPDATE OR DELETE ON survey_questions
    FOR EACH ROW EXECUTE FUNCTION survey_questions_keep();

-- What was answered to each question, with the words that were asked.
CREATE TABLE survey_answers (
    survey_id   uuid NOT NULL REFERENCES surveys ON DELETE CASCADE,
    question_id uuid NOT NULL REFERENCES survey_questions,
    text_es     text NOT NULL,
    text_en     text NOT NULL,
    rating      smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    PRIMARY KEY (survey_id, question_id)
);
CREATE INDEX survey_answers_question_idx ON survey_answers (question_id);
INSERT INTO survey_answers (survey_id, question_id, text_es, text_en, rating)
SELECT s.id, q.id, q.text_es, q.text_en,
    CASE q.key WHEN 'overall' THEN s.overall WHEN 'timeliness' THEN s.timeliness
        WHEN 'courtesy' THEN s.courtesy ELSE s.solution END
FROM surveys s CROSS JOIN survey_questions q WHERE s.status = 'answered';

CREATE FUNCTION survey_answers_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an answer keeps what was asked and answered';
END $$;
CREATE TRIGGER survey_answers_keep BEFORE UPDATE ON survey_answers FOR EACH ROW EXECUTE FUNCTION survey_answers_keep();
