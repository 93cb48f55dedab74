-- Public holidays are data: those that the desk is delivered with, which can be ended but not removed, and the entity's own.
CREATE TABLE holidays (
    id               uuid PRIMARY KEY,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key         text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED,
    kind             text NOT NULL CHECK (kind IN ('fixed', 'following_monday', 'easter', 'date')),
    month            smallint CHECK (month BETWEEN 1 AND 12),
    day              smallint CHECK (day BETWEEN 1 AND 31),
    days_from_easter smallint CHECK (days_from_easter BETWEEN -80 AND 250),
    date             date CHECK (date BETWEEN '1900-01-01' AND '9999-12-31'),
    first_year       integer CHECK (first_year BETWEEN 1900 AND 9999),
    last_year        integer CHECK (last_year BETWEEN 1900 AND 9999),
    shipped          boolean NOT NULL DEFAULT false,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CHECK (first_year <= last_year),
    CHECK ((kind IN ('fixed', 'following_monday')) = (month IS NOT NULL)),
    CHECK ((month IS NULL) = (day IS NULL)),
    -- 2000 is a leap year.
    CHECK (month IS NULL OR day <= extract(day FROM make_date(2000, month, 1) + interval '1 month - 1 day')),
    CHECK ((kind = 'easter') = (days_from_easter IS NOT NULL)),
    CHECK ((kind = 'date') = (date IS NOT NULL)),
    CHECK (kind <> 'date' OR (first_year IS NULL AND last_year IS NULL))
);
CREATE INDEX holidays_name_idx ON holidays (name_key, id);
-- A holiday of the same name on the same date would be the same holiday.
CREATE UNIQUE INDEX holidays_same ON holidays (name_key, kind, coalesce(date, '-infinity'), coalesce(first_year, 0));

CREATE FUNCTION holidays_keep_shipped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.shipped THEN
        RAISE EXCEPTION 'a holiday that the desk is delivered with cannot be removed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER holidays_keep_shipped BEFORE DELETE ON holidays FOR EACH ROW EXECUTE FUNCTION holidays_keep_shipped();

INSERT INTO holidays (id, name, kind, month, day, days_from_easter, first_year, shipped)
SELECT ('019dadef-0000-7000-8000-0000000009' || lpad(number::text, 2, '0'))::uuid, name, kind, month, day, days, since, true
FROM (VALUES
    (1, 'Año Nuevo', 'fixed', 1, 1, NULL::smallint, NULL::integer),
    (2, 'Día del Trabajo', 'fixed', 5, 1, NULL, NULL),
    (3, 'Día de la Independencia', 'fixed', 7, 20, NULL, NULL),
    (4, 'Batalla de Boyacá', 'fixed', 8, 7, NULL, NULL),
    (5, 'Inmaculada Concepción', 'fixed', 12, 8, NULL, NULL),
    (6, 'Navidad', 'fixed', 12, 25, NULL, NULL),
    (7, 'Día de los Reyes Magos', 'following_monday', 1, 6, NULL, 1984),
    (8, 'Día de San José', 'following_monday', 3, 19, NULL, 1984),
    (9, 'San Pedro y San Pablo', 'following_monday', 6, 29, NULL, 1984),
    -- Ley 2578 of 2026, article 6.
    (10, 'Virgen de Chiquinquirá', 'following_monday', 7, 9, NULL, 2026),
    (11, 'Asunción de la Virgen', 'following_monday', 8, 15, NULL, 1984),
    (12, 'Día de la Raza', 'following_monday', 10, 12, NULL, 1984),
    (13, 'Todos los Santos', 'following_monday', 11, 1, NULL, 1984),
    (14, 'Independencia de Cartagena', 'following_monday', 11, 11, NULL, 1984),
    (15, 'Jueves Santo', 'easter', NULL, NULL, -3, NULL),
    (16, 'Viernes Santo', 'easter', NULL, NULL, -2, NULL),
    (17, 'Ascensión del Señor', 'easter', NULL, NULL, 43, 1984),
    (18, 'Corpus Christi', 'easter', NULL, NULL, 64, 1984),
    (19, 'Sagrado Corazón de Jesús', 'easter', NULL, NULL, 71, 1984)
) AS known (number, name, kind, month, day, days, since);

-- What changes from here on is in the audit log.
CALL audit_table('holidays', 'holiday', 'id');

-- The holidays in force from a moment on, as rules: what a due time was computed with can be computed again.
CREATE TABLE holiday_sets (
    id             uuid PRIMARY KEY,
    rules          jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'array'),
    effective_from timestamptz NOT NULL
);
CREATE INDEX holiday_sets_effective_from_idx ON holiday_sets (effective_from, id);

CREATE FUNCTION holiday_sets_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a set of holidays cannot be changed';
END $$;
CREATE TRIGGER holiday_sets_keep BEFORE UPDATE OR DELETE ON holiday_sets
    FOR EACH ROW EXECUTE FUNCTION holiday_sets_keep();

-- The first set is what every earlier version of the server computed with, the second one includes the new law.
INSERT INTO holiday_sets (id, rules, effective_from)
SELECT stage.id, (
    SELECT jsonb_agg(jsonb_build_object(
        'name', name, 'kind', kind, 'month', month, 'day', day, 'days_from_easter', days_from_easter, 'date', date,
        'first_year', first_year, 'last_year', last_year) ORDER BY h.id)
    FROM holidays h WHERE stage.new_law OR h.name <> 'Virgen de Chiquinquirá'
), stage.effective_from
FROM (VALUES
    ('019dadef-0000-7000-8000-000000000a01'::uuid, false, '1970-01-01 00:00:00+00'::timestamptz),
    ('019dadef-0000-7000-8000-000000000a02', true, now())
) AS stage (id, new_law, effective_from);

-- What an earlier version of the server writes was computed with the first set.
ALTER TABLE attentions ADD COLUMN holiday_set_id uuid NOT NULL
    DEFAULT '019dadef-0000-7000-8000-000000000a01' REFERENCES holiday_sets;
ALTER TABLE attention_policies ADD COLUMN holiday_set_id uuid NOT NULL
    DEFAULT '019dadef-0000-7000-8000-000000000a01' REFERENCES holiday_sets;

-- On a desk with tickets the new law holds for those received from now on. On an empty one it has always held.
DO $$
BEGIN
    IF EXISTS (SELECT FROM tickets) THEN
        INSERT INTO attention_policies (id, criticality, calendar_id, minutes, opening_hours, effective_from, holiday_set_id)
        SELECT gen_random_uuid(), t.criticality, t.calendar_id, t.minutes, c.opening_hours,
            greatest(now(), (SELECT max(effective_from) FROM attention_policies) + interval '1 microsecond'),
            '019dadef-0000-7000-8000-000000000a02'
        FROM attention_times t JOIN calendars c ON c.id = t.calendar_id;
    ELSE
        ALTER TABLE attention_policies DISABLE TRIGGER attention_policies_keep;
        UPDATE attention_policies SET holiday_set_id = '019dadef-0000-7000-8000-000000000a02';
        ALTER TABLE attention_policies ENABLE TRIGGER attention_policies_keep;
    END IF;
END $$;
