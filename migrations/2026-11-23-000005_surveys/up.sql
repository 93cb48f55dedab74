-- The perception survey: one a ticket, answered once.
CREATE TABLE surveys (
    id          uuid PRIMARY KEY,
    ticket_id   bigint NOT NULL UNIQUE REFERENCES tickets,
    requester_id uuid NOT NULL REFERENCES users,
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'answered')),
    overall     smallint CHECK (overall BETWEEN 1 AND 5),
    timeliness  smallint CHECK (timeliness BETWEEN 1 AND 5),
    courtesy    smallint CHECK (courtesy BETWEEN 1 AND 5),
    solution    smallint CHECK (solution BETWEEN 1 AND 5),
    comment     text CHECK (length(comment) <= 2000),
    created_at  timestamptz NOT NULL,
    answered_at timestamptz,
    CHECK ((status = 'answered') = (num_nulls(overall, timeliness, courtesy, solution, answered_at) = 0))
);
CREATE INDEX surveys_created_at_idx ON surveys (created_at, id);
CREATE INDEX surveys_answered_at_idx ON surveys (answered_at) WHERE answered_at IS NOT NULL;

CREATE FUNCTION surveys_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'answered' THEN
        RAISE EXCEPTION 'a survey is answered once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER surveys_keep BEFORE UPDATE ON surveys FOR EACH ROW EXECUTE FUNCTION surveys_keep();

-- What the statistics measure with.
CREATE FUNCTION minutes(since timestamptz, until timestamptz) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(epoch FROM until - since)::float8 / 60
$$;
