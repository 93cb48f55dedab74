-- The number of an identity document, however it is written: 43.111.222, 43 111 222 and C.C. 43111222 are the same.
CREATE FUNCTION document_key(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(
        nullif(regexp_replace(upper(regexp_replace(public.clean_name($1), '[^[:alnum:]]', '', 'g')),
            '^(CC|C[EÉ]DULA|C[EÉ]DULADECIUDADAN[IÍ]A)(N|NO|NRO)?(?=[0-9])', ''), ''),
        public.clean_name($1))
$$;
CREATE INDEX users_document_key_idx ON users (document_key(document_id)) WHERE document_id IS NOT NULL;

-- When the end of the contract was recorded: open work that was assigned before returns to its level after the end.
ALTER TABLE users ADD COLUMN contract_set_at timestamptz;

CREATE FUNCTION note_contract() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.contract_set_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER note_contract BEFORE UPDATE OF contract_ends_on ON users FOR EACH ROW
    WHEN (OLD.contract_ends_on IS DISTINCT FROM NEW.contract_ends_on) EXECUTE FUNCTION note_contract();
