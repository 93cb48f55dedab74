-- The acts of staff are on record: nothing of them is redacted.
CREATE FUNCTION anonymizations_of_requesters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = NEW.user_id AND role = 'requester') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'only requesters are made anonymous';
END $$;
CREATE TRIGGER anonymizations_of_requesters BEFORE INSERT ON anonymizations
    FOR EACH ROW EXECUTE FUNCTION anonymizations_of_requesters();

-- A temporary table hides one of the same name from a function without a search path of its own: the role of the server
-- could give the triggers that record and protect the history an empty copy of its tables.
DO $$
DECLARE
    protected regprocedure;
BEGIN
    FOR protected IN
        SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'public'::regnamespace
            AND (p.prorettype = 'trigger'::regtype AND l.lanname = 'plpgsql' OR p.proname = 'being_anonymized')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', protected);
    END LOOP;
END $$;
