DROP TRIGGER events_log ON events;
DROP TABLE log_entries;
DROP FUNCTION audit_event_digest(audit_events);
DROP FUNCTION audit_event_hash(audit_events);
DROP TABLE audit_events;
DROP FUNCTION log_added_events();
DROP FUNCTION log_entries_keep();
DROP FUNCTION audit_events_keep();
DROP FUNCTION audit_events_hash();
