-- Lists of few tickets among many: else a page goes past all others to find them.
CREATE INDEX tickets_unattended_idx ON tickets (received_at, id) WHERE attended_at IS NULL AND archived_at IS NULL;
CREATE INDEX tickets_channel_idx ON tickets (channel, received_at, id);
CREATE INDEX tickets_higher_level_idx ON tickets (support_level, received_at, id) WHERE support_level > 1;
CREATE INDEX tickets_archive_reason_idx ON tickets (archive_reason, received_at, id) WHERE archive_reason IS NOT NULL;
