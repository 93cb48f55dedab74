DROP TABLE messages;
DROP FUNCTION event_hash(events);
DROP TABLE events;
DROP FUNCTION events_keep;
DROP FUNCTION events_chain;
