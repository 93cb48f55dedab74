DO $$
BEGIN
    IF EXISTS (SELECT FROM measurements WHERE frequency <> 'quarterly') THEN
        RAISE EXCEPTION 'measurements of periods that are not quarters cannot be represented by the previous version';
    END IF;
END $$;
DROP INDEX measurements_through_date_idx;
DROP INDEX measurements_through_idx;
DROP INDEX measurements_of_period;
ALTER TABLE measurements
    DROP COLUMN through_date,
    DROP CONSTRAINT measurements_ends_in_quarter,
    DROP CONSTRAINT measurements_period,
    DROP COLUMN period,
    DROP COLUMN frequency,
    ADD CONSTRAINT measurements_quarter UNIQUE (indicator_id, year, quarter);
DROP FUNCTION measured_through_month(text, smallint, smallint);
ALTER TABLE indicators DISABLE TRIGGER USER;
UPDATE indicators SET frequency = 'quarterly' WHERE frequency <> 'quarterly';
ALTER TABLE indicators ENABLE TRIGGER USER;
ALTER TABLE indicators
    DROP CONSTRAINT indicators_frequency_check,
    ADD CONSTRAINT indicators_frequency_check CHECK (frequency IN ('quarterly')),
    DROP COLUMN baseline_note,
    DROP COLUMN baseline_value,
    DROP COLUMN kind;
