DROP TRIGGER clean_requester_name ON tickets;
DROP TRIGGER clean_full_name ON users;
DROP TRIGGER clean_name ON calendars;
DROP TRIGGER clean_name ON categories;
DROP TRIGGER clean_name ON units;
DROP FUNCTION clean_requester_name();
DROP FUNCTION clean_full_name();
DROP FUNCTION clean_name();
DROP FUNCTION clean_name(text);
