-- A key may be in somebody's hands before it has an answer: until `claimed_until`, then whoever repeats the request goes on.
ALTER TABLE idempotency_keys
    ALTER COLUMN status DROP NOT NULL,
    ADD COLUMN claimed_until timestamptz,
    ADD CONSTRAINT idempotency_keys_answered_or_claimed CHECK ((status IS NULL) = (claimed_until IS NOT NULL));
