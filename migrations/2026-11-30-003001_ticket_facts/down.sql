DROP TRIGGER tickets_facts_new ON tickets;
DROP TRIGGER tickets_facts_changed ON tickets;
DROP FUNCTION tickets_facts;
DROP TABLE ticket_facts;
