DROP INDEX tickets_archive_reason_idx;
DROP INDEX tickets_higher_level_idx;
DROP INDEX tickets_channel_idx;
DROP INDEX tickets_unattended_idx;
