ALTER TABLE retention_rules
    DROP COLUMN responsible,
    DROP COLUMN storage_place,
    DROP COLUMN retrieval,
    DROP COLUMN protection,
    DROP COLUMN disposition;
