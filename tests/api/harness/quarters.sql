-- Five quarters of a desk's life, from October 2024 to December 2025 by the clock of Bogotá: `{count}` tickets, made by
-- chance that falls the same at every run. What happened to each is first written down in `seed`, from which the tests
-- reckon the figures a second time, and then told to the desk's own tables.

CREATE FUNCTION pg_temp.chance(i bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashtextextended(what, i) & 4294967295)::float8 / 4294967296
$$;
-- A time in minutes, more often short than long.
CREATE FUNCTION pg_temp.wait(i bigint, what text, mean float8) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT interval '1 second' * round(-ln(1 - pg_temp.chance(i, what)) * mean * 60)
$$;

INSERT INTO units (id, name)
SELECT md5('unit' || n)::uuid, 'Secretaría número ' || n FROM generate_series(1, 6) AS n;
INSERT INTO categories (id, name)
SELECT md5('category' || n)::uuid, 'Asunto número ' || n FROM generate_series(1, 5) AS n;
INSERT INTO users (id, email, role, full_name, document_id, extension, unit_id)
SELECT md5('person' || n)::uuid, 'persona' || n || '@mesa.test',
    CASE WHEN n <= 4 THEN 'technician' WHEN n <= 6 THEN 'professional' ELSE 'director' END,
    'Funcionario número ' || n, '7100' || n, '140' || n, md5('unit1')::uuid
FROM generate_series(1, 7) AS n;

CREATE TABLE seed AS
WITH asked AS (
    SELECT i,
        timestamptz '2024-10-01 00:00-05' + interval '1 second' * floor(
            pg_temp.chance(i, 'received') * extract(epoch FROM timestamptz '2026-01-01 00:00-05' - timestamptz '2024-10-01 00:00-05')) AS received,
        (ARRAY['critical', 'high', 'medium', 'medium', 'low', 'low'])[1 + floor(pg_temp.chance(i, 'criticality') * 6)::int] AS criticality,
        (ARRAY['api', 'web', 'web', 'email', 'phone', 'in_person'])[1 + floor(pg_temp.chance(i, 'channel') * 6)::int] AS channel,
        CASE WHEN pg_temp.chance(i, 'category?') < 0.9 THEN md5('category' || 1 + floor(pg_temp.chance(i, 'category') * 5)::int)::uuid END AS category_id,
        md5('unit' || 1 + floor(pg_temp.chance(i, 'unit') * 6)::int)::uuid AS unit_id,
        md5('person' || 1 + floor(pg_temp.chance(i, 'person') * 4)::int)::uuid AS person_id,
        pg_temp.chance(i, 'fate') AS fate,
        pg_temp.chance(i, 'level') AS raised
    FROM generate_series(1, {count}) AS i
), limited AS (
    SELECT *, received + interval '1 minute' * CASE criticality WHEN 'critical' THEN 60 WHEN 'high' THEN 120 WHEN 'medium' THEN 300 ELSE 1080 END AS due
    FROM asked
), attended AS (
    -- A tenth is never attended: half of it archived, a fifth of it never even classified.
    SELECT *, CASE WHEN fate >= 0.1 THEN received + pg_temp.wait(i, 'attended', extract(epoch FROM due - received)::float8 / 60 * 0.6) END AS attended
    FROM limited
), raised AS (
    SELECT *,
        CASE WHEN raised < 0.2 THEN attended + pg_temp.wait(i, 'second', 200) END AS escalated_2,
        CASE WHEN raised < 0.05 THEN attended + pg_temp.wait(i, 'second', 200) + pg_temp.wait(i, 'third', 2000) END AS escalated_3
    FROM attended
), solved AS (
    SELECT *, CASE WHEN fate >= 0.16 THEN
        coalesce(escalated_3, escalated_2, attended) + pg_temp.wait(i, 'solved', 3000 * (1 + 3 * (raised < 0.2)::int)) END AS solved
    FROM raised
), reopened AS (
    SELECT *, CASE WHEN pg_temp.chance(i, 'reopened') < 0.08 THEN solved + pg_temp.wait(i, 'reopened', 3000) END AS reopened
    FROM solved
), again AS (
    SELECT *, CASE WHEN pg_temp.chance(i, 'again') < 0.85 THEN reopened + pg_temp.wait(i, 'again', 20000) END AS solved_again
    FROM reopened
)
SELECT i AS id, received, CASE WHEN fate >= 0.02 THEN criticality END AS criticality, channel, category_id, unit_id, person_id,
    CASE WHEN fate >= 0.02 THEN due END AS due, attended, escalated_2, escalated_3,
    1 + (escalated_2 IS NOT NULL)::int + (escalated_3 IS NOT NULL)::int AS level,
    -- Who has it at that level, and when they accepted it there.
    CASE WHEN escalated_3 IS NOT NULL THEN md5('person7')::uuid
        WHEN escalated_2 IS NOT NULL THEN md5('person' || 5 + i % 2)::uuid ELSE person_id END AS last_person_id,
    CASE WHEN escalated_2 IS NOT NULL THEN escalated_2 + pg_temp.wait(i, 'accepted', 150) END AS accepted_2,
    CASE WHEN escalated_3 IS NOT NULL THEN escalated_3 + pg_temp.wait(i, 'accepted', 150) END AS accepted_3,
    round((pg_temp.chance(i, 'working') * extract(epoch FROM attended - received) / 60)::numeric, 3)::float8 AS attended_working,
    solved, reopened, solved_again,
    round((pg_temp.chance(i, 'working 1') * extract(epoch FROM solved - received) / 60)::numeric, 3)::float8 AS solved_working,
    round((pg_temp.chance(i, 'working 2') * extract(epoch FROM solved_again - received) / 60)::numeric, 3)::float8 AS solved_again_working,
    CASE WHEN pg_temp.chance(i, 'closed') < 0.95 THEN CASE WHEN reopened IS NULL THEN solved ELSE solved_again END + interval '5 days' END AS closed,
    CASE WHEN fate >= 0.04 AND fate < 0.1 THEN received + pg_temp.wait(i, 'archived', 2000) END AS archived,
    CASE WHEN fate >= 0.04 AND fate < 0.1 THEN
        (ARRAY['missing_information', 'profile_not_authorized', 'duplicate', 'withdrawn'])[1 + floor(pg_temp.chance(i, 'reason') * 4)::int] END AS reason,
    CASE WHEN pg_temp.chance(i, 'answered') < 0.5 THEN solved + pg_temp.wait(i, 'answered', 3000) END AS answered,
    1 + floor(sqrt(pg_temp.chance(i, 'overall')) * 5)::int AS overall,
    1 + floor(sqrt(pg_temp.chance(i, 'timeliness')) * 5)::int AS timeliness,
    1 + floor(sqrt(pg_temp.chance(i, 'courtesy')) * 5)::int AS courtesy,
    1 + floor(sqrt(pg_temp.chance(i, 'solution')) * 5)::int AS solution,
    solved IS NOT NULL AND pg_temp.chance(i, 'article') < 0.05 AS article
FROM again;
CREATE INDEX seed_id ON seed (id);

ALTER TABLE tickets DISABLE TRIGGER USER;
INSERT INTO tickets (id, subject, description, channel, criticality, category_id, support_level, requester_id,
    requester_full_name, requester_document_id, requester_email, requester_mobile, requester_unit_id, requester_unit_name,
    registered_by_id, received_at, updated_at, search, status, assignee_id, accepted_at, attended_at,
    attended_working_minutes, clock_stopped_at, first_attention_due_at, attention_due_at, attention_due_soon_at, solved_at,
    solved_by_id, solution, closed_at, archived_at, archive_reason, reopened_count)
OVERRIDING SYSTEM VALUE
SELECT s.id, 'Solicitud ' || s.id, 'Generada.', s.channel, s.criticality, s.category_id, s.level, me.id,
    me.full_name, me.document_id, me.email, me.mobile, s.unit_id, u.name,
    me.id, s.received, s.received, '', state.status, CASE WHEN state.status NOT IN ('received', 'archived') THEN s.last_person_id END,
    s.attended, s.attended, s.attended_working, s.attended, s.due, s.due, s.due, state.solved,
    CASE WHEN state.solved IS NOT NULL THEN s.last_person_id END, CASE WHEN state.solved IS NOT NULL THEN 'Listo.' END,
    s.closed, s.archived, s.reason, (s.reopened IS NOT NULL)::int
FROM seed s
JOIN units u ON u.id = s.unit_id
JOIN users me ON me.email = 'requester@mesa.test'
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.archived IS NOT NULL THEN 'archived' WHEN s.closed IS NOT NULL THEN 'closed'
            WHEN s.solved IS NOT NULL AND (s.reopened IS NULL OR s.solved_again IS NOT NULL) THEN 'solved'
            WHEN s.attended IS NOT NULL THEN 'in_progress' WHEN s.criticality IS NULL THEN 'received' ELSE 'assigned' END AS status,
        CASE WHEN s.reopened IS NULL THEN s.solved ELSE s.solved_again END AS solved
) AS state;
ALTER TABLE tickets ENABLE TRIGGER USER;
SELECT setval(pg_get_serial_sequence('tickets', 'id'), {count});

INSERT INTO ticket_facts (received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id, category_id,
    solved, channel, criticality, archive_reason)
SELECT received_at, id, first_attention_due_at, attended_at, attended_working_minutes, coalesce(closed_at, archived_at),
    requester_unit_id, category_id, solved_at IS NOT NULL, channel, criticality, archive_reason
FROM tickets ON CONFLICT DO NOTHING;

INSERT INTO openings (ticket_id, number, opened_at, ended_at, outcome, solved_by_id, support_level, reopened_at, working_minutes)
SELECT id, 1, received, coalesce(solved, archived), CASE WHEN solved IS NOT NULL THEN 'solved' WHEN archived IS NOT NULL THEN 'archived' END,
    CASE WHEN solved IS NOT NULL THEN last_person_id END, CASE WHEN coalesce(solved, archived) IS NOT NULL THEN level END,
    reopened, solved_working
FROM seed
UNION ALL
SELECT id, 2, reopened, solved_again, CASE WHEN solved_again IS NOT NULL THEN 'solved' END,
    CASE WHEN solved_again IS NOT NULL THEN last_person_id END, CASE WHEN solved_again IS NOT NULL THEN level END,
    NULL, solved_again_working
FROM seed WHERE reopened IS NOT NULL;

INSERT INTO escalations (id, ticket_id, from_level, to_level, reason, escalated_by, created_at)
SELECT md5('second' || id)::uuid, id, 1, 2, 'Es de la red.', person_id, escalated_2 FROM seed WHERE escalated_2 IS NOT NULL
UNION ALL
SELECT md5('third' || id)::uuid, id, 2, 3, 'Es del proveedor.', md5('person5')::uuid, escalated_3 FROM seed WHERE escalated_3 IS NOT NULL;

INSERT INTO attentions (ticket_id, level, started_at, minutes, due_at, assignee_id, accepted_at, accepted_by, working_minutes, opening_hours)
SELECT id, 1, received, 60, due, person_id, attended, CASE WHEN attended IS NOT NULL THEN person_id END, attended_working, '24/7'
FROM seed WHERE due IS NOT NULL
UNION ALL
SELECT id, 2, escalated_2, 120, escalated_2 + interval '2 hours', md5('person' || 5 + id % 2)::uuid, accepted_2,
    md5('person' || 5 + id % 2)::uuid, extract(epoch FROM accepted_2 - escalated_2) / 60, '24/7'
FROM seed WHERE escalated_2 IS NOT NULL
UNION ALL
SELECT id, 3, escalated_3, 120, escalated_3 + interval '2 hours', md5('person7')::uuid, accepted_3, md5('person7')::uuid,
    extract(epoch FROM accepted_3 - escalated_3) / 60, '24/7'
FROM seed WHERE escalated_3 IS NOT NULL;

INSERT INTO surveys (id, ticket_id, requester_id, status, overall, timeliness, courtesy, solution, created_at, offered_at, answered_at)
SELECT md5('survey' || s.id)::uuid, s.id, t.requester_id, CASE WHEN s.answered IS NULL THEN 'pending' ELSE 'answered' END,
    CASE WHEN s.answered IS NOT NULL THEN s.overall END, CASE WHEN s.answered IS NOT NULL THEN s.timeliness END,
    CASE WHEN s.answered IS NOT NULL THEN s.courtesy END, CASE WHEN s.answered IS NOT NULL THEN s.solution END,
    s.solved, s.solved, s.answered
FROM seed s JOIN tickets t ON t.id = s.id WHERE s.solved IS NOT NULL;

INSERT INTO articles (id, title, incident, resolution, ticket_id, author_id, status, published_at, created_at, updated_at)
SELECT md5('article' || id)::uuid, 'Solución ' || id, 'Incidente.', 'Solución.', id, last_person_id, 'published',
    solved + interval '1 day', solved + interval '1 day', solved + interval '1 day'
FROM seed WHERE article;
ANALYZE;
