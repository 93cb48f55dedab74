-- Requesters and staff, in addition to existing people. They cannot sign in until they set a password with a link.
INSERT INTO units (id, name, created_at, updated_at)
SELECT pg_temp.id_of(span.began, 'unit', n), name, span.began, span.began
FROM span, unnest(ARRAY['Secretaría de Gobierno', 'Secretaría de Planeación', 'Secretaría de Educación', 'Secretaría de Salud',
    'Secretaría de Infraestructura', 'Secretaría de Movilidad', 'Secretaría de Cultura', 'Secretaría de Desarrollo Social',
    'Secretaría de Ambiente', 'Secretaría General', 'Oficina Jurídica', 'Oficina de Control Interno', 'Oficina de Comunicaciones',
    'Dirección de Talento Humano', 'Dirección de Contratación', 'Dirección de Rentas', 'Dirección de Presupuesto',
    'Archivo Municipal', 'Biblioteca Municipal', 'Comisaría de Familia', 'Inspección de Policía', 'Despacho del Alcalde'])
    WITH ORDINALITY AS names (name, n)
ON CONFLICT (name_key) DO NOTHING;

INSERT INTO categories (id, name, created_at, updated_at)
SELECT pg_temp.id_of(span.began, 'category', rank), name, span.began, span.began FROM span, topics
ON CONFLICT (name_key) DO NOTHING;

WITH names AS (
    SELECT ARRAY['Ana', 'Luis', 'María', 'Carlos', 'Sofía', 'Andrés', 'Paola', 'Jorge', 'Natalia', 'Óscar', 'Lucía', 'Hernán',
        'Beatriz', 'Iván', 'Gloria', 'Mauricio', 'Ximena', 'Raúl', 'Yolanda', 'Álvaro'] AS first,
    ARRAY['Restrepo', 'Gómez', 'Ramírez', 'Zapata', 'Quintero', 'Muñoz', 'Cárdenas', 'Ospina', 'Henao', 'Vélez', 'Arango',
        'Castaño', 'Peña', 'Duque', 'Giraldo', 'Bedoya', 'Salazar', 'Marín', 'Toro', 'Londoño'] AS last
), staff AS (
    SELECT least(12, 2 + {tickets} / 5000) AS technicians, least(6, 1 + {tickets} / 20000) AS professionals
), places AS (
    SELECT id, row_number() OVER (ORDER BY name_key) AS place, count(*) OVER () AS units FROM units WHERE active
)
INSERT INTO users (id, email, role, full_name, document_id, extension, mobile, unit_id, created_at, updated_at)
SELECT pg_temp.id_of(span.began, 'person', n), 'persona' || n || '@alcaldia.test',
    CASE WHEN n <= technicians THEN 'technician' WHEN n <= technicians + professionals THEN 'professional'
        WHEN n = technicians + professionals + 1 THEN 'director' ELSE 'requester' END,
    concat_ws(' ', first[pg_temp.pick(n, 'first', 20)], last[pg_temp.pick(n, 'last', 20)], last[pg_temp.pick(n, 'second last', 20)]),
    (10000000 + n * 3571)::text, (2000 + n)::text, '300' || lpad((n * 7919 % 10000000)::text, 7, '0'), places.id,
    span.began, span.began
FROM span CROSS JOIN names CROSS JOIN staff CROSS JOIN LATERAL generate_series(1, technicians + professionals + 1 + least(3000, 20 + {tickets} / 30)) AS n
JOIN places ON place = 1 + n % units
ON CONFLICT (lower(email)) DO NOTHING;

-- Each unit has a head, the first of its requesters.
UPDATE units SET head_id = (SELECT id FROM users u WHERE u.unit_id = units.id AND u.role = 'requester' AND u.active ORDER BY id LIMIT 1)
WHERE head_id IS NULL;

-- A ticket that is registered concurrently gets a number after those.
SELECT setval(pg_get_serial_sequence('tickets', 'id'), greatest({tickets}, nextval(pg_get_serial_sequence('tickets', 'id'))));
