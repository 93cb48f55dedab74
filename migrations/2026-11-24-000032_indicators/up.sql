-- Indicators (FO-DE-15 Ficha de Indicadores) and what they measured each quarter.

CREATE TABLE indicators (
    id           uuid PRIMARY KEY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    aim          text NOT NULL CHECK (length(aim) BETWEEN 1 AND 2000),
    formula      text NOT NULL CHECK (length(formula) BETWEEN 1 AND 2000),
    unit         text NOT NULL CHECK (length(unit) BETWEEN 1 AND 50),
    measure      text NOT NULL CHECK (measure IN ('timely_attention', 'timely_solution', 'satisfaction',
        'first_level_resolution', 'manual')),
    -- Of a timely solution: within how many hours of the reception.
    within_hours integer CHECK (within_hours BETWEEN 1 AND 8760),
    target       double precision NOT NULL,
    direction    text NOT NULL CHECK (direction IN ('at_least', 'at_most')),
    -- Up to here a value that misses the target is yellow; beyond it is red.
    warning      double precision NOT NULL,
    frequency    text NOT NULL CHECK (frequency IN ('quarterly')),
    source       text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    responsible  text NOT NULL CHECK (length(responsible) BETWEEN 1 AND 200),
    status       text NOT NULL CHECK (status IN ('draft', 'active', 'retired')),
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((measure = 'timely_solution') = (within_hours IS NOT NULL)),
    CHECK (CASE direction WHEN 'at_least' THEN warning <= target ELSE warning >= target END)
);
CREATE INDEX indicators_name_idx ON indicators (name, id);

CREATE TABLE measurements (
    id                    uuid PRIMARY KEY,
    indicator_id          uuid NOT NULL REFERENCES indicators,
    year                  smallint NOT NULL CHECK (year BETWEEN 2000 AND 9998),
    quarter               smallint NOT NULL CHECK (quarter BETWEEN 1 AND 4),
    -- None where there was nothing to measure.
    value                 double precision,
    -- Of what was counted, and how much of it was as it should be; neither of what is measured by hand.
    counted               bigint CHECK (counted >= 0),
    met                   bigint CHECK (met BETWEEN 0 AND counted),
    -- As the indicator had them when it was measured.
    target                double precision NOT NULL,
    direction             text NOT NULL CHECK (direction IN ('at_least', 'at_most')),
    warning               double precision NOT NULL,
    measured_at           timestamptz NOT NULL,
    -- Whether the quarter was over by then.
    complete              boolean NOT NULL,
    analysis              text CHECK (length(analysis) BETWEEN 1 AND 10000),
    improvement_action_id uuid REFERENCES improvement_actions,
    status                text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'approved')),
    approved_at           timestamptz,
    approved_by           uuid REFERENCES users,
    created_by            uuid NOT NULL REFERENCES users,
    version               integer NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    CONSTRAINT measurements_quarter UNIQUE (indicator_id, year, quarter),
    CHECK (num_nulls(approved_at, approved_by) = CASE status WHEN 'approved' THEN 0 ELSE 2 END),
    CHECK (status = 'draft' OR complete AND analysis IS NOT NULL)
);
CREATE INDEX measurements_action_idx ON measurements (improvement_action_id) WHERE improvement_action_id IS NOT NULL;

-- What was approved stays as it is.
CREATE FUNCTION measurements_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a measurement that was approved cannot be changed';
END $$;
CREATE TRIGGER measurements_keep BEFORE UPDATE ON measurements
    FOR EACH ROW WHEN (OLD.status = 'approved') EXECUTE FUNCTION measurements_keep();

INSERT INTO indicators (id, name, aim, formula, unit, measure, within_hours, target, direction, warning, frequency, source,
    responsible, status)
VALUES
    (gen_random_uuid(), 'Oportunidad en la atención',
        'Medir si los casos se atienden dentro del tiempo de atención de su nivel de criticidad.',
        'Casos recibidos en el trimestre y aceptados a tiempo / (casos aceptados + casos sin aceptar ya vencidos) × 100',
        '%', 'timely_attention', NULL, 90, 'at_least', 80, 'quarterly', 'Registro de la Mesa de Servicios',
        'Director Administrativo de las TIC', 'active'),
    (gen_random_uuid(), 'Oportunidad en la solución',
        'Medir si los casos se solucionan dentro del plazo que la entidad se ha propuesto.',
        'Casos recibidos en el trimestre y solucionados dentro del plazo / (casos solucionados + casos sin solucionar con el plazo vencido) × 100',
        '%', 'timely_solution', 120, 85, 'at_least', 70, 'quarterly', 'Registro de la Mesa de Servicios',
        'Director Administrativo de las TIC', 'active'),
    (gen_random_uuid(), 'Satisfacción de los usuarios',
        'Medir la percepción que los usuarios tienen del servicio.',
        'Encuestas respondidas en el trimestre con 4 o 5 en el servicio en general / encuestas respondidas en el trimestre × 100',
        '%', 'satisfaction', NULL, 90, 'at_least', 75, 'quarterly', 'Encuesta de Percepción',
        'Director Administrativo de las TIC', 'active'),
    (gen_random_uuid(), 'Solución en el primer nivel',
        'Medir cuántos casos se solucionan sin escalarlos.',
        'Casos solucionados en el trimestre en el nivel 1 / casos solucionados en el trimestre × 100',
        '%', 'first_level_resolution', NULL, 70, 'at_least', 60, 'quarterly', 'Registro de la Mesa de Servicios',
        'Director Administrativo de las TIC', 'active');

-- A measurement may be where an improvement action or a risk comes from.
ALTER TABLE risks
    ADD COLUMN origin_measurement_id uuid REFERENCES measurements,
    DROP CONSTRAINT risks_origin_kind,
    ADD CONSTRAINT risks_origin_kind
        CHECK (origin_kind IN ('figure', 'report', 'measurement', 'risk', 'minutes', 'audit', 'other')),
    ADD CONSTRAINT risks_origin_measurement CHECK ((origin_kind = 'measurement') = (origin_measurement_id IS NOT NULL));
CREATE INDEX risks_origin_measurement_idx ON risks (origin_measurement_id) WHERE origin_measurement_id IS NOT NULL;
ALTER TABLE improvement_actions
    ADD COLUMN origin_measurement_id uuid REFERENCES measurements,
    DROP CONSTRAINT improvement_actions_origin_kind,
    ADD CONSTRAINT improvement_actions_origin_kind
        CHECK (origin_kind IN ('figure', 'report', 'measurement', 'risk', 'minutes', 'audit', 'other')),
    ADD CONSTRAINT improvement_actions_origin_measurement
        CHECK ((origin_kind = 'measurement') = (origin_measurement_id IS NOT NULL));
CREATE INDEX improvement_actions_measurement_idx ON improvement_actions (origin_measurement_id)
    WHERE origin_measurement_id IS NOT NULL;
