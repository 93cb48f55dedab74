ALTER TABLE tickets
    DROP COLUMN third_party,
    DROP COLUMN third_party_promised_for;
DELETE FROM escalations WHERE to_level = from_level OR to_level < from_level - 1
    OR (third_party IS NOT NULL AND to_level < 3);
ALTER TABLE escalations
    DROP CONSTRAINT escalations_direction,
    ADD CONSTRAINT escalations_direction CHECK (to_level > from_level
        OR (to_level = from_level - 1 AND third_party IS NULL AND escalated_by IS NOT NULL)),
    ADD CONSTRAINT escalations_check2 CHECK (third_party IS NULL OR to_level = 3);
