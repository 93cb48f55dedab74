-- What the desk escalated by itself has nobody to name.
DELETE FROM escalations WHERE escalated_by IS NULL;
ALTER TABLE escalations
    DROP COLUMN third_party,
    DROP COLUMN reference,
    DROP COLUMN promised_for,
    ALTER COLUMN escalated_by SET NOT NULL;
ALTER TABLE categories DROP COLUMN escalates_overdue;
ALTER TABLE tickets
    DROP COLUMN queue_at,
    DROP COLUMN queue_rank,
    DROP COLUMN clock_due_at,
    DROP COLUMN attention_due_soon_at,
    DROP COLUMN clock_stopped_at,
    DROP COLUMN due_soon_told_at,
    DROP COLUMN overdue_told_at;
