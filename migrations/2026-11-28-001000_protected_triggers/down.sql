DROP TRIGGER anonymizations_of_requesters ON anonymizations;
DROP FUNCTION anonymizations_of_requesters();

DO $$
DECLARE
    protected regprocedure;
BEGIN
    FOR protected IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proconfig::text LIKE '%search_path=pg_catalog, public, pg_temp%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s RESET search_path', protected);
    END LOOP;
END $$;
