-- When staff work and when they do not. Weekly times are by the entity's clock.

ALTER TABLE users ADD COLUMN contract_ends_on date;

-- A shift belongs to the day it begins on; `ends_at <= starts_at` means that it goes on past midnight.
CREATE TABLE shifts (
    id                 uuid PRIMARY KEY,
    user_id            uuid NOT NULL REFERENCES users,
    weekday            smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    starts_at          time NOT NULL CHECK (starts_at < '24:00' AND extract(second FROM starts_at) = 0),
    ends_at            time NOT NULL CHECK (ends_at < '24:00' AND extract(second FROM ends_at) = 0),
    on_public_holidays boolean NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, weekday, starts_at)
);

-- Minutes from Monday's midnight to the beginning of a shift.
CREATE FUNCTION shift_begin(s shifts) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (s.weekday - 1) * 1440 + (extract(epoch FROM s.starts_at) / 60)::integer
$$;
CREATE FUNCTION shift_minutes(s shifts) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM s.ends_at - s.starts_at) / 60)::integer
        + CASE WHEN s.ends_at <= s.starts_at THEN 1440 ELSE 0 END
$$;

-- Nobody works two shifts at once. Minutes are counted around the week, so that Sunday's night meets Monday's morning.
CREATE FUNCTION shifts_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM shifts s
        WHERE s.user_id = NEW.user_id AND s.id <> NEW.id
            AND (mod(10080 + shift_begin(NEW) - shift_begin(s), 10080) < shift_minutes(s)
                OR mod(10080 + shift_begin(s) - shift_begin(NEW), 10080) < shift_minutes(NEW))
    ) THEN
        RAISE EXCEPTION 'shifts of one person overlap' USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shifts_apart AFTER INSERT OR UPDATE ON shifts FOR EACH ROW EXECUTE FUNCTION shifts_apart();

CREATE TABLE absences (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    kind       text NOT NULL CHECK (kind IN ('holiday', 'sick_leave', 'course', 'other')),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    note       text CHECK (length(note) BETWEEN 1 AND 2000),
    created_by uuid NOT NULL REFERENCES users,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (ends_at > starts_at)
);
CREATE INDEX absences_user_idx ON absences (user_id, starts_at, id);

-- Automatic assignment asks who was given work longest ago.
DROP INDEX attentions_assignee_idx;
CREATE INDEX attentions_assignee_idx ON attentions (assignee_id, assigned_at);
