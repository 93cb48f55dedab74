DELETE FROM idempotency_keys WHERE status IS NULL;
ALTER TABLE idempotency_keys
    DROP CONSTRAINT idempotency_keys_answered_or_claimed,
    DROP COLUMN claimed_until,
    ALTER COLUMN status SET NOT NULL;
