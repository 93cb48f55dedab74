-- On which time attention is counted, and by what rules it was counted when: nothing here is rewritten, so that a due
-- time can be explained for as long as its ticket is kept.

CREATE TABLE calendars (
    id            uuid PRIMARY KEY,
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key      text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED,
    opening_hours text NOT NULL CHECK (length(opening_hours) BETWEEN 1 AND 500),
    active        boolean NOT NULL DEFAULT true,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX calendars_name_key ON calendars (name_key);
INSERT INTO calendars (id, name, opening_hours) VALUES ('019dadef-0000-7000-8000-000000000247', '24/7', '24/7');

ALTER TABLE attention_times ADD COLUMN calendar_id uuid NOT NULL
    DEFAULT '019dadef-0000-7000-8000-000000000247' REFERENCES calendars;
ALTER TABLE attention_times ALTER COLUMN calendar_id DROP DEFAULT;
CREATE INDEX attention_times_calendar_idx ON attention_times (calendar_id);

-- What an attention time and its calendar said from a moment on.
CREATE TABLE attention_policies (
    id             uuid PRIMARY KEY,
    criticality    text NOT NULL REFERENCES attention_times,
    calendar_id    uuid NOT NULL REFERENCES calendars,
    minutes        integer NOT NULL CHECK (minutes BETWEEN 1 AND 525600),
    opening_hours  text NOT NULL CHECK (length(opening_hours) BETWEEN 1 AND 500),
    effective_from timestamptz NOT NULL,
    UNIQUE (criticality, effective_from)
);
CREATE INDEX attention_policies_calendar_idx ON attention_policies (calendar_id);
CREATE INDEX attention_policies_effective_from_idx ON attention_policies (effective_from);

-- Nothing is known of earlier ones: what holds now has always held.
INSERT INTO attention_policies (id, criticality, calendar_id, minutes, opening_hours, effective_from)
SELECT CASE t.criticality
           WHEN 'critical' THEN '019dadef-0000-7000-8000-000000000001'::uuid
           WHEN 'high' THEN '019dadef-0000-7000-8000-000000000002'
           WHEN 'medium' THEN '019dadef-0000-7000-8000-000000000003'
           ELSE '019dadef-0000-7000-8000-000000000004'
       END, t.criticality, t.calendar_id, t.minutes, c.opening_hours, '1970-01-01 00:00:00+00'
FROM attention_times t JOIN calendars c ON c.id = t.calendar_id;

-- When the policies of a moment were made to hold for the tickets that were open then.
CREATE TABLE attention_applications (
    id         uuid PRIMARY KEY,
    applied_at timestamptz NOT NULL,
    applied_by uuid NOT NULL REFERENCES users
);
CREATE INDEX attention_applications_applied_at_idx ON attention_applications (applied_at);

CREATE FUNCTION attention_policies_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a policy cannot be changed';
END $$;
CREATE TRIGGER attention_policies_keep BEFORE UPDATE OR DELETE ON attention_policies
    FOR EACH ROW EXECUTE FUNCTION attention_policies_keep();
CREATE TRIGGER attention_applications_keep BEFORE UPDATE OR DELETE ON attention_applications
    FOR EACH ROW EXECUTE FUNCTION attention_policies_keep();

-- What each clock was reckoned by. The policy is unknown of those from before there were any.
ALTER TABLE attentions ADD COLUMN policy_id uuid REFERENCES attention_policies;
ALTER TABLE attentions ADD COLUMN opening_hours text NOT NULL DEFAULT '24/7';
ALTER TABLE attentions ALTER COLUMN opening_hours DROP DEFAULT;
