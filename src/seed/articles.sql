-- Knowledge base articles; every third refers to a solved ticket.
CREATE TEMP TABLE new_articles ON COMMIT DROP AS
SELECT i AS n, a.at, pg_temp.id_of(a.at, 'article', i) AS id, t.category_id,
    t.subjects[s.n] || ' (' || lower(u.name) || ')' AS title,
    concat_ws(' ', c.begins || ', ' || lower(t.subjects[s.n]) || ':', d.happens || '.', 'Se presentó en la dependencia', u.name,
        'y lo reportaron', 2 + i % 7, 'personas. Código interno', 'KB' || i || '.') AS incident,
    concat_ws(' ', t.solutions[1 + i % cardinality(t.solutions)],
        (ARRAY['La causa fue una actualización incompleta.', 'La causa fue un cable dañado detrás del puesto.',
            'La causa fue un permiso que se había retirado.', 'La causa fue un servicio detenido en el servidor.',
            'La causa fue la configuración del perfil.', 'La causa fue un equipo sin mantenimiento.'])[pg_temp.pick(i, 'cause', 6)],
        'Si vuelve a ocurrir, revise primero', lower(o.name) || ', y después', lower(t.name) || '.') AS resolution,
    jsonb_build_array('Confirme con la persona qué ve en pantalla y desde cuándo.', 'Revise que el puesto tenga red y energía.',
        t.solutions[1], 'Pida a la persona que pruebe y registre la solución.') AS steps,
    CASE WHEN pg_temp.chance(i, 'public') < 0.6 THEN 'public' ELSE 'internal' END AS visibility,
    CASE WHEN pg_temp.chance(i, 'status') < 0.85 THEN 'published' WHEN pg_temp.chance(i, 'status') < 0.95 THEN 'draft' ELSE 'retired' END AS status,
    staff.id AS author_id, k.ticket_id
FROM generate_series(1, {articles}) AS i
JOIN topics t ON pg_temp.chance(i, 'article topic') >= t.chance_from AND pg_temp.chance(i, 'article topic') < t.chance_to
JOIN topics o ON o.rank = pg_temp.pick(i, 'other topic', 14)
JOIN circumstances c ON c.n = pg_temp.pick(i, 'article begins', 8)
JOIN circumstances d ON d.n = pg_temp.pick(i, 'article happens', 8)
JOIN (SELECT name, row_number() OVER (ORDER BY name_key) AS n, count(*) OVER () AS units FROM units) AS u
    ON u.n = pg_temp.pick(i, 'article unit', u.units::integer)
JOIN staff ON staff.level = 1 AND staff.n = pg_temp.pick(i, 'author', staff.people::integer)
CROSS JOIN LATERAL (SELECT pg_temp.pick(i, 'article subject', cardinality(t.subjects)) AS n) AS s
CROSS JOIN LATERAL (SELECT CASE WHEN i % 3 = 0 THEN 1 + (pg_temp.chance(i, 'article ticket') * {tickets})::bigint END AS id) AS wanted
LEFT JOIN LATERAL (SELECT t.id AS ticket_id, t.closed_at FROM tickets t WHERE t.id = wanted.id AND t.closed_at IS NOT NULL) AS k ON true
CROSS JOIN span
CROSS JOIN LATERAL (SELECT coalesce(k.closed_at, span.began + (span.now - span.began) * pg_temp.chance(i, 'written')) AS at) AS a;

INSERT INTO articles (id, title, incident, resolution, steps, category_id, visibility, status, ticket_id, author_id, published_at,
    created_at, updated_at, search)
SELECT id, title, incident, resolution, steps, category_id, visibility, status, ticket_id, author_id,
    CASE WHEN status <> 'draft' THEN at END, at, at, ''
FROM new_articles ORDER BY at;
INSERT INTO article_revisions (article_id, revision, changed_by, changed_at, content)
SELECT id, 1, author_id, at, jsonb_build_object('title', title, 'incident', incident, 'resolution', resolution, 'steps', steps,
    'references', '[]'::jsonb, 'category_id', category_id, 'visibility', visibility, 'status', status, 'ticket_id', ticket_id)
FROM new_articles;
