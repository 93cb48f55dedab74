DROP INDEX tickets_scheduled_for_idx;
