DROP TABLE tree_head_mails;
DROP TABLE tree_heads;
DROP FUNCTION tree_heads_keep();
DROP TRIGGER events_log ON events;
CREATE TRIGGER events_log AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_added_events('ticket');
DROP FUNCTION log_added_ticket_events();
DROP INDEX log_entries_event_idx;
