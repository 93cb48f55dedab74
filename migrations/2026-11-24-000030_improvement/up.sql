-- Risks (FO-DE-11 Matriz de Riesgos) and improvement actions (FO-EM-15 Plan de Mejoramiento).

-- The zone of a risk in the 5 x 5 matrix of the national guide (Función Pública, versions 5 and 6). The code has the same
-- table; a test holds the two against each other.
CREATE FUNCTION risk_level(probability smallint, impact smallint) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE
        WHEN impact = 5 THEN 'extreme'
        WHEN impact = 4 OR probability = 5 THEN 'high'
        WHEN probability = 4 THEN CASE WHEN impact = 3 THEN 'high' ELSE 'moderate' END
        WHEN probability = 3 OR impact = 3 THEN 'moderate'
        WHEN probability = 2 AND impact = 2 THEN 'moderate'
        ELSE 'low'
    END
$$;

CREATE TABLE risks (
    id                   uuid PRIMARY KEY,
    number               integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    cause                text NOT NULL CHECK (length(cause) BETWEEN 1 AND 4000),
    risk                 text NOT NULL CHECK (length(risk) BETWEEN 1 AND 500),
    effect               text NOT NULL CHECK (length(effect) BETWEEN 1 AND 4000),
    probability          smallint NOT NULL CHECK (probability BETWEEN 1 AND 5),
    impact               smallint NOT NULL CHECK (impact BETWEEN 1 AND 5),
    level                text NOT NULL GENERATED ALWAYS AS (risk_level(probability, impact)) STORED,
    controls             text CHECK (length(controls) BETWEEN 1 AND 4000),
    residual_probability smallint CHECK (residual_probability BETWEEN 1 AND 5),
    residual_impact      smallint CHECK (residual_impact BETWEEN 1 AND 5),
    residual_level       text GENERATED ALWAYS AS (risk_level(residual_probability, residual_impact)) STORED,
    treatment            text NOT NULL CHECK (treatment IN ('accept', 'reduce', 'transfer', 'avoid')),
    treatment_plan       text CHECK (length(treatment_plan) BETWEEN 1 AND 4000),
    owner_id             uuid NOT NULL REFERENCES users,
    review_on            date NOT NULL,
    status               text NOT NULL CHECK (status IN ('draft', 'active', 'closed')),
    origin_kind          text NOT NULL,
    origin_path          text CHECK (length(origin_path) <= 2000 AND origin_path LIKE '/api/v1/%'),
    origin_year          smallint CHECK (origin_year BETWEEN 2000 AND 9998),
    origin_quarter       smallint CHECK (origin_quarter BETWEEN 1 AND 4),
    origin_risk_id       uuid REFERENCES risks,
    origin_note          text CHECK (length(origin_note) BETWEEN 1 AND 500),
    created_by           uuid NOT NULL REFERENCES users,
    version              integer NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CHECK ((residual_probability IS NULL) = (residual_impact IS NULL)),
    -- Controls make nothing worse.
    CHECK (residual_probability <= probability AND residual_impact <= impact),
    CONSTRAINT risks_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'audit', 'other')),
    CHECK ((origin_kind = 'figure') = (origin_path IS NOT NULL)),
    CHECK ((origin_kind = 'report') = (origin_year IS NOT NULL) AND (origin_year IS NULL) = (origin_quarter IS NULL)),
    CHECK ((origin_kind = 'risk') = (origin_risk_id IS NOT NULL)),
    CHECK (origin_kind <> 'other' OR origin_note IS NOT NULL)
);
CREATE INDEX risks_created_at_idx ON risks (created_at, id);
CREATE INDEX risks_review_idx ON risks (review_on, id);
CREATE INDEX risks_status_idx ON risks (status, created_at, id);
CREATE INDEX risks_owner_idx ON risks (owner_id, created_at, id);

CREATE TABLE improvement_actions (
    id                uuid PRIMARY KEY,
    number            integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind              text NOT NULL CHECK (kind IN ('corrective', 'preventive', 'improvement')),
    finding           text NOT NULL CHECK (length(finding) BETWEEN 1 AND 4000),
    cause             text NOT NULL CHECK (length(cause) BETWEEN 1 AND 4000),
    action            text NOT NULL CHECK (length(action) BETWEEN 1 AND 4000),
    owner_id          uuid NOT NULL REFERENCES users,
    due_on            date NOT NULL,
    status            text NOT NULL CHECK (status IN ('draft', 'open', 'completed', 'effective', 'ineffective')),
    origin_kind       text NOT NULL,
    origin_path       text CHECK (length(origin_path) <= 2000 AND origin_path LIKE '/api/v1/%'),
    origin_year       smallint CHECK (origin_year BETWEEN 2000 AND 9998),
    origin_quarter    smallint CHECK (origin_quarter BETWEEN 1 AND 4),
    origin_risk_id    uuid REFERENCES risks,
    origin_note       text CHECK (length(origin_note) BETWEEN 1 AND 500),
    completed_at      timestamptz,
    completed_by      uuid REFERENCES users,
    completion_note   text CHECK (length(completion_note) BETWEEN 1 AND 4000),
    verified_at       timestamptz,
    verified_by       uuid REFERENCES users,
    verification_note text CHECK (length(verification_note) BETWEEN 1 AND 4000),
    -- When it was told that this due date has passed.
    overdue_told_at   timestamptz,
    created_by        uuid NOT NULL REFERENCES users,
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK (num_nulls(completed_at, completed_by, completion_note)
        = CASE WHEN status IN ('draft', 'open') THEN 3 ELSE 0 END),
    CHECK (num_nulls(verified_at, verified_by, verification_note)
        = CASE WHEN status IN ('effective', 'ineffective') THEN 0 ELSE 3 END),
    -- Nobody judges what they were to do themselves.
    CONSTRAINT improvement_actions_verified_by_another CHECK (verified_by <> owner_id),
    CONSTRAINT improvement_actions_origin_kind CHECK (origin_kind IN ('figure', 'report', 'risk', 'audit', 'other')),
    CHECK ((origin_kind = 'figure') = (origin_path IS NOT NULL)),
    CHECK ((origin_kind = 'report') = (origin_year IS NOT NULL) AND (origin_year IS NULL) = (origin_quarter IS NULL)),
    CHECK ((origin_kind = 'risk') = (origin_risk_id IS NOT NULL)),
    CHECK (origin_kind <> 'other' OR origin_note IS NOT NULL)
);
CREATE INDEX improvement_actions_created_at_idx ON improvement_actions (created_at, id);
CREATE INDEX improvement_actions_due_idx ON improvement_actions (due_on, id);
CREATE INDEX improvement_actions_status_idx ON improvement_actions (status, due_on, id);
CREATE INDEX improvement_actions_owner_idx ON improvement_actions (owner_id, due_on, id);
CREATE INDEX improvement_actions_risk_idx ON improvement_actions (origin_risk_id) WHERE origin_risk_id IS NOT NULL;
CREATE INDEX improvement_actions_overdue_idx ON improvement_actions (due_on)
    WHERE status = 'open' AND overdue_told_at IS NULL;

-- What was verified stays as it was.
CREATE FUNCTION improvement_actions_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an improvement action that was verified cannot be changed';
END $$;
CREATE TRIGGER improvement_actions_keep BEFORE UPDATE ON improvement_actions
    FOR EACH ROW WHEN (OLD.verified_at IS NOT NULL) EXECUTE FUNCTION improvement_actions_keep();

CREATE TABLE improvement_followups (
    id         uuid PRIMARY KEY,
    action_id  uuid NOT NULL REFERENCES improvement_actions ON DELETE CASCADE,
    author_id  uuid NOT NULL REFERENCES users,
    body       text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    progress   smallint CHECK (progress BETWEEN 0 AND 100),
    created_at timestamptz NOT NULL
);
CREATE INDEX improvement_followups_action_idx ON improvement_followups (action_id, created_at, id);

CREATE FUNCTION improvement_followups_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was written about an improvement action stays';
END $$;
CREATE TRIGGER improvement_followups_keep BEFORE UPDATE ON improvement_followups
    FOR EACH ROW EXECUTE FUNCTION improvement_followups_keep();

-- Evidence.
ALTER TABLE attachments
    ADD COLUMN improvement_action_id uuid REFERENCES improvement_actions,
    DROP CONSTRAINT attachments_check,
    ADD CONSTRAINT attachments_owner CHECK (num_nonnulls(ticket_id, article_id, improvement_action_id) = 1);
CREATE INDEX attachments_improvement_action_idx ON attachments (improvement_action_id, created_at, id)
    WHERE improvement_action_id IS NOT NULL;

-- A message is about a ticket or about an improvement action.
ALTER TABLE messages
    ADD COLUMN improvement_action_id uuid REFERENCES improvement_actions,
    ALTER COLUMN ticket_id DROP NOT NULL,
    ADD CONSTRAINT messages_about CHECK (num_nonnulls(ticket_id, improvement_action_id) = 1);
CREATE INDEX messages_improvement_action_idx ON messages (improvement_action_id) WHERE improvement_action_id IS NOT NULL;
