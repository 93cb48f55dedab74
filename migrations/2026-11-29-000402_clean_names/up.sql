-- Names that look the same are the same: without characters that have no shape, and with single spaces between words.
CREATE FUNCTION clean_name(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(
        regexp_replace(
            normalize($1, NFC),
            '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]',
            '', 'g'),
        '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+', ' ', 'g'))
$$;

CREATE FUNCTION clean_name() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.name := public.clean_name(NEW.name);
    RETURN NEW;
END $$;

CREATE FUNCTION clean_full_name() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.full_name := public.clean_name(NEW.full_name);
    RETURN NEW;
END $$;

CREATE FUNCTION clean_requester_name() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.requester_full_name := public.clean_name(NEW.requester_full_name);
    RETURN NEW;
END $$;

-- Names that become the same get the end of their id.
DROP INDEX units_name_key, categories_name_key, calendars_name_key;
DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['units', 'categories', 'calendars'] LOOP
        EXECUTE format(
            'WITH same AS ('
            '    SELECT id, clean_name(name) AS clean, row_number() OVER (PARTITION BY fold(clean_name(name)) ORDER BY id) AS place '
            '    FROM %1$I) '
            'UPDATE %1$I AS t SET name = CASE WHEN place = 1 THEN clean ELSE left(clean, 180) || '' ('' || right(t.id::text, 12) || '')'' END '
            'FROM same WHERE same.id = t.id AND t.name <> CASE WHEN place = 1 THEN clean ELSE left(clean, 180) || '' ('' || right(t.id::text, 12) || '')'' END',
            kind);
    END LOOP;
END $$;
CREATE UNIQUE INDEX units_name_key ON units (name_key);
CREATE UNIQUE INDEX categories_name_key ON categories (name_key);
CREATE UNIQUE INDEX calendars_name_key ON calendars (name_key);
UPDATE users SET full_name = clean_name(full_name) WHERE full_name <> clean_name(full_name) AND clean_name(full_name) <> '';

CREATE TRIGGER clean_name BEFORE INSERT OR UPDATE OF name ON units FOR EACH ROW EXECUTE FUNCTION clean_name();
CREATE TRIGGER clean_name BEFORE INSERT OR UPDATE OF name ON categories FOR EACH ROW EXECUTE FUNCTION clean_name();
CREATE TRIGGER clean_name BEFORE INSERT OR UPDATE OF name ON calendars FOR EACH ROW EXECUTE FUNCTION clean_name();
CREATE TRIGGER clean_full_name BEFORE INSERT OR UPDATE OF full_name ON users FOR EACH ROW EXECUTE FUNCTION clean_full_name();
CREATE TRIGGER clean_requester_name BEFORE INSERT OR UPDATE OF requester_full_name ON tickets FOR EACH ROW
    EXECUTE FUNCTION clean_requester_name();
