-- The migration that a version of Mesa must know to serve this database. A migration that the previous version cannot
-- live with replaces the function, with its own version. Earlier versions than this one do not ask.
CREATE FUNCTION oldest_compatible_migration() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '20261130090001'
$$;
