-- Indicators of any frequency, with their type and baseline; a measurement belongs to a period of the frequency that its
-- indicator had. Measurements of quarters stay as they are: their frequency is the default, and they have no period beside
-- the quarter.

ALTER TABLE indicators
    ADD COLUMN kind text CHECK (kind IN ('efficacy', 'efficiency', 'effectiveness')),
    ADD COLUMN baseline_value double precision,
    ADD COLUMN baseline_note text CHECK (length(baseline_note) BETWEEN 1 AND 500),
    DROP CONSTRAINT indicators_frequency_check,
    ADD CONSTRAINT indicators_frequency_check
        CHECK (frequency IN ('monthly', 'bimonthly', 'quarterly', 'semiannual', 'yearly'));

-- The four that exist from the beginning; nobody changes them, so no event is written.
ALTER TABLE indicators DISABLE TRIGGER USER;
UPDATE indicators SET kind = CASE measure
        WHEN 'satisfaction' THEN 'effectiveness' WHEN 'first_level_resolution' THEN 'efficiency' ELSE 'efficacy' END
WHERE measure <> 'manual' AND name IN ('Oportunidad en la atención', 'Oportunidad en la solución',
    'Satisfacción de los usuarios', 'Solución en el primer nivel');
ALTER TABLE indicators ENABLE TRIGGER USER;

-- The last month of the period.
CREATE FUNCTION measured_through_month(frequency text, period smallint, quarter smallint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE frequency
        WHEN 'monthly' THEN period::integer
        WHEN 'bimonthly' THEN period * 2
        WHEN 'semiannual' THEN period * 6
        WHEN 'yearly' THEN 12
        ELSE quarter * 3
    END
$$;

ALTER TABLE measurements
    ADD COLUMN frequency text NOT NULL DEFAULT 'quarterly'
        CHECK (frequency IN ('monthly', 'bimonthly', 'quarterly', 'semiannual', 'yearly')),
    -- The number of the period in its year; none for a quarter.
    ADD COLUMN period smallint,
    ADD CONSTRAINT measurements_period CHECK (CASE frequency
        WHEN 'quarterly' THEN period IS NULL
        ELSE period IS NOT NULL AND period BETWEEN 1 AND
            CASE frequency WHEN 'monthly' THEN 12 WHEN 'bimonthly' THEN 6 WHEN 'semiannual' THEN 2 ELSE 1 END
    END),
    -- The quarter in which the period ends.
    ADD CONSTRAINT measurements_ends_in_quarter
        CHECK (quarter = (measured_through_month(frequency, period, quarter) + 2) / 3),
    DROP CONSTRAINT measurements_quarter;
CREATE UNIQUE INDEX measurements_of_period ON measurements (indicator_id, year, frequency, coalesce(period, quarter));
-- The measurements of an indicator, in the order in which their periods end.
ALTER TABLE measurements ADD COLUMN through_date date NOT NULL GENERATED ALWAYS AS
    ((make_date(year, measured_through_month(frequency, period, quarter), 1) + interval '1 month' - interval '1 day')::date)
    STORED;
CREATE INDEX measurements_through_idx ON measurements (indicator_id, through_date, id);
-- Those of all indicators whose period ends in a quarter, for its report.
CREATE INDEX measurements_through_date_idx ON measurements (through_date);
