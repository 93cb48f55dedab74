-- A change that changes nothing is none: the row keeps its version and the moment of its last change. What is generated
-- (`name_key`) is not there yet before the update.
CREATE FUNCTION keep_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - '{version,updated_at,name_key}'::text[] = to_jsonb(OLD) - '{version,updated_at,name_key}'::text[] THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_unchanged BEFORE UPDATE ON units FOR EACH ROW EXECUTE FUNCTION keep_unchanged();
CREATE TRIGGER keep_unchanged BEFORE UPDATE ON categories FOR EACH ROW EXECUTE FUNCTION keep_unchanged();
CREATE TRIGGER keep_unchanged BEFORE UPDATE ON calendars FOR EACH ROW EXECUTE FUNCTION keep_unchanged();
CREATE TRIGGER keep_unchanged BEFORE UPDATE ON attention_times FOR EACH ROW EXECUTE FUNCTION keep_unchanged();
CREATE TRIGGER keep_unchanged BEFORE UPDATE ON survey_questions FOR EACH ROW EXECUTE FUNCTION keep_unchanged();
