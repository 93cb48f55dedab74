ALTER TABLE improvement_actions DISABLE TRIGGER improvement_actions_keep;
ALTER TABLE improvement_actions DROP CONSTRAINT improvement_actions_origin_minutes;
UPDATE improvement_actions SET origin_kind = 'other', origin_note = coalesce(origin_note, 'Acta del Comité Primario')
WHERE origin_kind = 'minutes';
ALTER TABLE improvement_actions ENABLE TRIGGER improvement_actions_keep;
ALTER TABLE improvement_actions
    DROP COLUMN origin_minutes_id,
    DROP CONSTRAINT improvement_actions_origin_kind,
    ADD CONSTRAINT improvement_actions_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'audit', 'other'));
ALTER TABLE risks DROP CONSTRAINT risks_origin_minutes;
UPDATE risks SET origin_kind = 'other', origin_note = coalesce(origin_note, 'Acta del Comité Primario')
WHERE origin_kind = 'minutes';
ALTER TABLE risks
    DROP COLUMN origin_minutes_id,
    DROP CONSTRAINT risks_origin_kind,
    ADD CONSTRAINT risks_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'audit', 'other'));
DROP TABLE minutes_decisions;
DROP TABLE minutes_attendance;
DROP FUNCTION minutes_parts_keep;
DROP TABLE minutes;
DROP FUNCTION minutes_keep;
DROP FUNCTION minutes_number;
DROP TABLE minutes_numbers;
