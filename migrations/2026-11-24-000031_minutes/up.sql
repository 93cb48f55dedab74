-- Minutes of the Comité Primario (FO-DE-01 Acta): numbered by year, and fixed by the director's signature.

-- The last number of each year. Whoever takes the next one holds the row until their transaction ends, so that no number is
-- left out, whatever becomes of them.
CREATE TABLE minutes_numbers (
    year smallint PRIMARY KEY CHECK (year BETWEEN 2000 AND 9998),
    last integer NOT NULL CHECK (last > 0)
);

CREATE TABLE minutes (
    id              uuid PRIMARY KEY,
    year            smallint NOT NULL,
    number          integer NOT NULL,
    held_on         date NOT NULL,
    starts_at       text CHECK (starts_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    ends_at         text CHECK (ends_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    place           text CHECK (length(place) BETWEEN 1 AND 200),
    agenda          jsonb NOT NULL CHECK (jsonb_array_length(agenda) BETWEEN 1 AND 50),
    proceedings     text CHECK (length(proceedings) BETWEEN 1 AND 50000),
    report_year     smallint CHECK (report_year BETWEEN 2000 AND 9998),
    report_quarter  smallint CHECK (report_quarter BETWEEN 1 AND 4),
    next_meeting_on date,
    status          text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'signed')),
    signed_at       timestamptz,
    signed_by       uuid REFERENCES users,
    created_by      uuid NOT NULL REFERENCES users,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (year, number),
    CHECK (year = extract(year FROM held_on)),
    CHECK (ends_at > starts_at),
    CHECK ((report_year IS NULL) = (report_quarter IS NULL)),
    CHECK (num_nulls(signed_at, signed_by) = CASE status WHEN 'signed' THEN 0 ELSE 2 END),
    CHECK (status = 'draft' OR proceedings IS NOT NULL)
);
CREATE INDEX minutes_held_on_idx ON minutes (held_on, id);
CREATE INDEX minutes_status_idx ON minutes (status, held_on, id);

CREATE TABLE minutes_attendance (
    minutes_id uuid NOT NULL REFERENCES minutes ON DELETE CASCADE,
    position   smallint NOT NULL,
    user_id    uuid REFERENCES users,
    full_name  text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 200),
    job_title  text CHECK (length(job_title) BETWEEN 1 AND 200),
    attendance text NOT NULL CHECK (attendance IN ('present', 'excused', 'absent', 'guest')),
    PRIMARY KEY (minutes_id, position)
);

CREATE TABLE minutes_decisions (
    minutes_id uuid NOT NULL REFERENCES minutes ON DELETE CASCADE,
    position   smallint NOT NULL,
    decision   text NOT NULL CHECK (length(decision) BETWEEN 1 AND 2000),
    owner_id   uuid NOT NULL REFERENCES users,
    due_on     date NOT NULL,
    PRIMARY KEY (minutes_id, position)
);
CREATE INDEX minutes_decisions_owner_idx ON minutes_decisions (owner_id, minutes_id);

CREATE FUNCTION minutes_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.year := extract(year FROM NEW.held_on);
    INSERT INTO minutes_numbers AS n (year, last) VALUES (NEW.year, 1)
    ON CONFLICT (year) DO UPDATE SET last = n.last + 1 RETURNING last INTO NEW.number;
    RETURN NEW;
END $$;
CREATE TRIGGER minutes_number BEFORE INSERT ON minutes FOR EACH ROW EXECUTE FUNCTION minutes_number();

-- What was signed stays as it is for the two years that the procedure keeps it, and a number is never given up.
CREATE FUNCTION minutes_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'minutes are kept';
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.updated_at > now() - interval '2 years' THEN
            RAISE EXCEPTION 'minutes are kept for two years';
        END IF;
        RETURN OLD;
    ELSIF OLD.status = 'signed' THEN
        RAISE EXCEPTION 'minutes that were signed cannot be changed';
    ELSIF NEW.year <> OLD.year OR NEW.number <> OLD.number THEN
        RAISE EXCEPTION 'minutes keep their number';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER minutes_keep BEFORE UPDATE OR DELETE ON minutes FOR EACH ROW EXECUTE FUNCTION minutes_keep();
CREATE TRIGGER minutes_keep_all BEFORE TRUNCATE ON minutes FOR EACH STATEMENT EXECUTE FUNCTION minutes_keep();

-- The same for their parts, which go with them.
CREATE FUNCTION minutes_parts_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'minutes are kept';
    END IF;
    FOR stands IN SELECT m.status FROM minutes m WHERE m.id IN (OLD.minutes_id, NEW.minutes_id) FOR SHARE LOOP
        IF stands = 'signed' THEN
            RAISE EXCEPTION 'minutes that were signed cannot be changed';
        END IF;
    END LOOP;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER minutes_attendance_keep BEFORE INSERT OR UPDATE OR DELETE ON minutes_attendance
    FOR EACH ROW EXECUTE FUNCTION minutes_parts_keep();
CREATE TRIGGER minutes_attendance_keep_all BEFORE TRUNCATE ON minutes_attendance
    FOR EACH STATEMENT EXECUTE FUNCTION minutes_parts_keep();
CREATE TRIGGER minutes_decisions_keep BEFORE INSERT OR UPDATE OR DELETE ON minutes_decisions
    FOR EACH ROW EXECUTE FUNCTION minutes_parts_keep();
CREATE TRIGGER minutes_decisions_keep_all BEFORE TRUNCATE ON minutes_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION minutes_parts_keep();

-- What was decided may be where an improvement action or a risk comes from.
ALTER TABLE risks
    ADD COLUMN origin_minutes_id uuid REFERENCES minutes,
    DROP CONSTRAINT risks_origin_kind,
    ADD CONSTRAINT risks_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'minutes', 'audit', 'other')),
    ADD CONSTRAINT risks_origin_minutes CHECK ((origin_kind = 'minutes') = (origin_minutes_id IS NOT NULL));
CREATE INDEX risks_origin_minutes_idx ON risks (origin_minutes_id) WHERE origin_minutes_id IS NOT NULL;
ALTER TABLE improvement_actions
    ADD COLUMN origin_minutes_id uuid REFERENCES minutes,
    DROP CONSTRAINT improvement_actions_origin_kind,
    ADD CONSTRAINT improvement_actions_origin_kind
        CHECK (origin_kind IN ('figure', 'report', 'risk', 'minutes', 'audit', 'other')),
    ADD CONSTRAINT improvement_actions_origin_minutes
        CHECK ((origin_kind = 'minutes') = (origin_minutes_id IS NOT NULL));
CREATE INDEX improvement_actions_minutes_idx ON improvement_actions (origin_minutes_id)
    WHERE origin_minutes_id IS NOT NULL;
