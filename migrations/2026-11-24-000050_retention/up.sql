-- How long records are kept ("Control de registros" of the procedure), what was removed when their time was over, and what
-- the statistics go on counting.

CREATE TABLE retention_rules (
    kind           text PRIMARY KEY CHECK (kind IN ('tickets', 'surveys', 'minutes', 'measurements',
        'improvement_actions', 'risks', 'messages', 'inbound_emails')),
    -- The form that the procedure names, and its name for the record.
    form           text CHECK (length(form) BETWEEN 1 AND 20),
    record         text NOT NULL CHECK (length(record) BETWEEN 1 AND 200),
    -- Calendar months since the record was over; null is without end.
    months         integer CHECK (months <= 1200),
    -- No rule may say less; null where the record is never removed.
    minimum_months integer CHECK (minimum_months > 0),
    -- The entity's day on which everything whose time was over by then had been removed.
    applied_on     date,
    version        integer NOT NULL DEFAULT 1,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (months IS NULL OR minimum_months IS NOT NULL AND months >= minimum_months)
);
-- The procedure keeps the forms for two years and then removes them, and the desk's own record without end. Of mail, which it
-- does not name, a copy is in the ticket: it goes two years after the ticket was over.
INSERT INTO retention_rules (kind, form, record, months, minimum_months) VALUES
    ('tickets', NULL, 'Registro Software de la Mesa de Servicios', NULL, NULL),
    ('surveys', NULL, 'Encuesta de Percepción', 24, 24),
    ('minutes', 'FO-DE-01', 'Acta', 24, 24),
    ('measurements', 'FO-DE-15', 'Ficha de Indicadores', 24, 24),
    ('improvement_actions', 'FO-EM-15', 'Plan de Mejoramiento', 24, 24),
    ('risks', 'FO-DE-11', 'Matriz de Riesgos', 24, 24),
    ('messages', NULL, 'Correos enviados', 24, 1),
    ('inbound_emails', NULL, 'Correos recibidos', 24, 1);

CREATE TABLE retention_runs (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL REFERENCES retention_rules,
    -- As the rule had it.
    months     integer NOT NULL,
    -- What was over before this moment went.
    up_to      timestamptz NOT NULL,
    removed    integer NOT NULL CHECK (removed > 0),
    removed_at timestamptz NOT NULL
);
CREATE INDEX retention_runs_removed_at_idx ON retention_runs (removed_at, id);
CREATE INDEX retention_runs_kind_idx ON retention_runs (kind, removed_at, id);

CREATE FUNCTION retention_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what retention did and left cannot be changed';
END $$;
CREATE TRIGGER retention_runs_keep BEFORE UPDATE OR DELETE ON retention_runs
    FOR EACH ROW EXECUTE FUNCTION retention_keep();
CREATE TRIGGER retention_runs_keep_all BEFORE TRUNCATE ON retention_runs
    FOR EACH STATEMENT EXECUTE FUNCTION retention_keep();

-- What is left of surveys that were removed: how many were sent and answered how, by the entity's day and by what the
-- statistics tell tickets apart by. Not whose, not of which ticket, and nothing of what was written.
CREATE TABLE survey_counts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact        text NOT NULL CHECK (fact IN ('sent', 'answered')),
    day         date NOT NULL,
    criticality text REFERENCES attention_times,
    unit_id     uuid REFERENCES units,
    category_id uuid REFERENCES categories,
    channel     text NOT NULL CHECK (channel IN ('api', 'web', 'email', 'phone', 'in_person')),
    -- Of those sent: whether they were answered.
    status      text CHECK (status IN ('pending', 'answered')),
    -- Of those answered: the ratings.
    overall     smallint CHECK (overall BETWEEN 1 AND 5),
    timeliness  smallint CHECK (timeliness BETWEEN 1 AND 5),
    courtesy    smallint CHECK (courtesy BETWEEN 1 AND 5),
    solution    smallint CHECK (solution BETWEEN 1 AND 5),
    surveys     integer NOT NULL CHECK (surveys > 0),
    CHECK ((fact = 'sent') = (status IS NOT NULL)),
    CHECK (num_nulls(overall, timeliness, courtesy, solution) = CASE fact WHEN 'answered' THEN 0 ELSE 4 END)
);
CREATE INDEX survey_counts_day_idx ON survey_counts (fact, day);
CREATE TRIGGER survey_counts_keep BEFORE UPDATE OR DELETE ON survey_counts
    FOR EACH ROW EXECUTE FUNCTION retention_keep();
CREATE TRIGGER survey_counts_keep_all BEFORE TRUNCATE ON survey_counts
    FOR EACH STATEMENT EXECUTE FUNCTION retention_keep();

-- Keys of the object store whose content nobody may need any more: the same content is kept once for all.
CREATE TABLE removed_files (
    storage_key text PRIMARY KEY,
    removed_at  timestamptz NOT NULL
);
CREATE INDEX removed_files_removed_at_idx ON removed_files (removed_at);
CREATE INDEX attachments_storage_key_idx ON attachments (storage_key);
CREATE INDEX inbound_emails_storage_key_idx ON inbound_emails (storage_key);

-- What is looked for, the oldest first.
CREATE INDEX surveys_offered_at_idx ON surveys (offered_at, id);
CREATE INDEX messages_over_idx ON messages (coalesce(sent_at, created_at), id) WHERE status <> 'waiting';
CREATE INDEX inbound_emails_processed_at_idx ON inbound_emails (processed_at, id) WHERE processed_at IS NOT NULL;
