ALTER TABLE messages DROP COLUMN unreached;
