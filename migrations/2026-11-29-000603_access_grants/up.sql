-- Activity 9, note: what access was granted, and whether the head of the unit had requested it.
ALTER TABLE categories ADD COLUMN records_access_grants boolean NOT NULL DEFAULT false;

CREATE TABLE access_grants (
    id                uuid PRIMARY KEY,
    ticket_id         bigint NOT NULL REFERENCES tickets,
    beneficiary       text NOT NULL CHECK (length(beneficiary) BETWEEN 1 AND 200),
    system            text NOT NULL CHECK (length(system) BETWEEN 1 AND 200),
    profile           text NOT NULL CHECK (length(profile) BETWEEN 1 AND 200),
    -- The last day of the access; null for no end.
    ends_on           date,
    -- As the ticket has them.
    requester_id      uuid NOT NULL REFERENCES users,
    unit_id           uuid REFERENCES units,
    requested_by_head boolean NOT NULL,
    granted_by        uuid NOT NULL REFERENCES users,
    granted_at        timestamptz NOT NULL,
    revoked_at        timestamptz CHECK (revoked_at >= granted_at),
    revoked_by        uuid REFERENCES users,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
-- The list, and its filters in the order of the list.
CREATE INDEX access_grants_granted_at_idx ON access_grants (granted_at, id);
CREATE INDEX access_grants_not_by_head_idx ON access_grants (granted_at, id) WHERE NOT requested_by_head;
CREATE INDEX access_grants_ticket_idx ON access_grants (ticket_id, granted_at, id);
CREATE INDEX access_grants_requester_idx ON access_grants (requester_id, granted_at, id);
CREATE INDEX access_grants_unit_idx ON access_grants (unit_id, granted_at, id);

-- Who requested it is what the ticket says.
CREATE FUNCTION access_grants_of_ticket() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT t.requester_id, t.requester_unit_id, coalesce(t.reception_head_id = t.requester_id, false)
    INTO NEW.requester_id, NEW.unit_id, NEW.requested_by_head
    FROM tickets t WHERE t.id = NEW.ticket_id;
    RETURN NEW;
END $$;
CREATE TRIGGER access_grants_of_ticket BEFORE INSERT ON access_grants
    FOR EACH ROW EXECUTE FUNCTION access_grants_of_ticket();

-- A grant is revoked once, and otherwise stays as it was; the beneficiary may be redacted while the requester is made
-- anonymous.
CREATE FUNCTION access_grants_keep() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    revoked  access_grants;
    redacted access_grants;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        revoked := OLD;
        revoked.revoked_at := NEW.revoked_at;
        revoked.revoked_by := NEW.revoked_by;
        redacted := OLD;
        redacted.beneficiary := NEW.beneficiary;
        IF OLD.revoked_at IS NULL AND NEW IS NOT DISTINCT FROM revoked
            OR NEW IS NOT DISTINCT FROM redacted AND being_anonymized(OLD.requester_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a grant of access cannot be changed';
END $$;
CREATE TRIGGER access_grants_keep BEFORE UPDATE OR DELETE ON access_grants
    FOR EACH ROW EXECUTE FUNCTION access_grants_keep();
CREATE TRIGGER access_grants_keep_all BEFORE TRUNCATE ON access_grants
    FOR EACH STATEMENT EXECUTE FUNCTION access_grants_keep();
-- Without the beneficiary, whom the audit log could not forget.
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON access_grants FOR EACH ROW
    EXECUTE FUNCTION record_change('access_grant', '{id}', '{ticket_id,ends_on,requested_by_head,revoked_at}', '');
