-- Whether this person attended the ticket: has it, had accepted it, or solved it.
CREATE FUNCTION attended_ticket(ticket bigint, person uuid) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM tickets t WHERE t.id = ticket AND person IN (t.assignee_id, t.solved_by_id))
        OR EXISTS (SELECT FROM events e
                   WHERE e.ticket_id = ticket AND e.actor_id = person AND e.kind IN ('accepted', 'solved'))
$$;

-- Nobody rates their own work. Answers of before stay.
CREATE FUNCTION surveys_of_others() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF attended_ticket(NEW.ticket_id, NEW.requester_id) THEN
        RAISE EXCEPTION 'nobody answers the survey of a ticket that they attended';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER surveys_of_others BEFORE UPDATE ON surveys FOR EACH ROW
    WHEN (NEW.status = 'answered' AND OLD.status <> 'answered')
    EXECUTE FUNCTION surveys_of_others();
