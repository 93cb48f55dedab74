DELETE FROM shifts WHERE on_call;
ALTER TABLE shifts DROP COLUMN on_call;
