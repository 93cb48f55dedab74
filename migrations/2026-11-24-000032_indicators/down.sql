ALTER TABLE improvement_actions DISABLE TRIGGER improvement_actions_keep;
ALTER TABLE improvement_actions DROP CONSTRAINT improvement_actions_origin_measurement;
UPDATE improvement_actions SET origin_kind = 'other', origin_note = coalesce(origin_note, 'Ficha de Indicadores')
WHERE origin_kind = 'measurement';
ALTER TABLE improvement_actions ENABLE TRIGGER improvement_actions_keep;
ALTER TABLE improvement_actions
    DROP COLUMN origin_measurement_id,
    DROP CONSTRAINT improvement_actions_origin_kind,
    ADD CONSTRAINT improvement_actions_origin_kind
        CHECK (origin_kind IN ('figure', 'report', 'risk', 'minutes', 'audit', 'other'));
ALTER TABLE risks DROP CONSTRAINT risks_origin_measurement;
UPDATE risks SET origin_kind = 'other', origin_note = coalesce(origin_note, 'Ficha de Indicadores')
WHERE origin_kind = 'measurement';
ALTER TABLE risks
    DROP COLUMN origin_measurement_id,
    DROP CONSTRAINT risks_origin_kind,
    ADD CONSTRAINT risks_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'minutes', 'audit', 'other'));
DROP TABLE measurements;
DROP FUNCTION measurements_keep;
DROP TABLE indicators;
