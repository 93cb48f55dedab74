-- The requesters, with the data that tickets copy from them, and the staff, by support level.
UPDATE topics SET category_id = c.id FROM categories c WHERE c.name_key = fold(topics.name);
CREATE TEMP TABLE requesters AS
SELECT row_number() OVER (ORDER BY u.id) AS n, u.id, u.full_name, u.document_id, u.email, u.landline, u.extension, u.mobile,
    u.unit_id, p.name AS unit_name, p.head_id
FROM users u JOIN units p ON p.id = u.unit_id
WHERE u.active AND u.role = 'requester' AND u.document_id IS NOT NULL
    AND coalesce(u.landline, u.extension, u.mobile) IS NOT NULL;
CREATE TEMP TABLE staff AS
SELECT level, row_number() OVER (PARTITION BY level ORDER BY id) AS n, count(*) OVER (PARTITION BY level) AS people, id, full_name
FROM users JOIN (VALUES (1, 'technician'), (2, 'professional'), (3, 'director')) AS levels (level, role) USING (role)
WHERE active;
CREATE INDEX ON requesters (n);
ANALYZE requesters, staff, topics;
