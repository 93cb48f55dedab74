-- The other columns of "Control de registros" of the procedure (section 7), with its values; null for records that it does not
-- name.
ALTER TABLE retention_rules
    ADD COLUMN responsible   text CHECK (length(responsible) BETWEEN 1 AND 500),
    ADD COLUMN storage_place text CHECK (length(storage_place) BETWEEN 1 AND 500),
    ADD COLUMN retrieval     text CHECK (length(retrieval) BETWEEN 1 AND 500),
    ADD COLUMN protection    text CHECK (length(protection) BETWEEN 1 AND 500),
    ADD COLUMN disposition   text CHECK (length(disposition) BETWEEN 1 AND 500);

-- These values are those of before: nobody changed a rule.
ALTER TABLE retention_rules DISABLE TRIGGER record_change;
UPDATE retention_rules SET
    responsible = 'Profesional Universitario de las TIC; Técnico Operativo o Administrativo de las TIC',
    storage_place = 'Software de la Mesa de Servicios',
    retrieval = 'Software de la Mesa de Servicios',
    protection = 'Backups; claves de acceso',
    disposition = 'Servidor Data Center'
WHERE kind = 'tickets';
UPDATE retention_rules SET
    responsible = CASE kind
        WHEN 'surveys' THEN 'Profesional Universitario; Técnico Operativo o Administrativo de las TIC'
        ELSE 'Profesional Universitario de las TIC; Enlace MIPG de las TIC' END,
    storage_place = 'Oficina del responsable / Dirección Administrativa de las TIC',
    retrieval = 'PC del responsable / Carpeta compartida de Calidad',
    protection = 'Backups; claves de acceso',
    disposition = 'Eliminar'
WHERE kind IN ('surveys', 'minutes', 'measurements', 'improvement_actions', 'risks');
ALTER TABLE retention_rules ENABLE TRIGGER record_change;
