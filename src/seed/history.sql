-- The followups of each ticket, and its history. The database numbers and chains the events.
CREATE TEMP TABLE written ON COMMIT DROP AS
WITH told AS (
    SELECT l.*, r.id AS requester_id, (ARRAY[first_id, second_id, third_id])[level] AS person_id,
        (ARRAY[first_name, second_name, third_name])[level] AS person_name
    FROM lives l JOIN requesters r ON r.n = l.requester
)
SELECT id AS ticket_id, 'accepted 1' AS what, accepted_at AS at, first_id AS author_id, 'public' AS visibility,
    first_name || ' atiende su solicitud desde este momento.' AS body
FROM told WHERE accepted_at IS NOT NULL
UNION ALL
SELECT id, 'accepted 2', accepted_2_at, second_id, 'public', second_name || ' atiende su solicitud desde este momento.'
FROM told WHERE accepted_2_at IS NOT NULL
UNION ALL
SELECT id, 'accepted 3', accepted_3_at, third_id, 'public', third_name || ' atiende su solicitud desde este momento.'
FROM told WHERE accepted_3_at IS NOT NULL
UNION ALL
SELECT id, 'asked', asked_at, person_id, 'public', 'Para atender su solicitud falta lo siguiente: ¿cuál es la placa del equipo?'
FROM told WHERE asked_at IS NOT NULL
UNION ALL
SELECT id, 'answered', answered_at, requester_id, 'public', 'La placa del equipo es ' || 40000 + id % 9973 || '.'
FROM told WHERE answered_at IS NOT NULL
UNION ALL
SELECT id, 'note', at_work_at + (solved_at - at_work_at) / 2, person_id, 'private',
    (ARRAY['Se probó con otro equipo y la falla sigue.', 'Se pidió el repuesto a almacén.', 'Hay tres casos iguales en el mismo piso.',
        'Se habló con quien la presentó y quedó una visita para la tarde.'])[pg_temp.pick(id, 'note', 4)]
FROM told WHERE solved_at IS NOT NULL AND held_at IS NULL AND asked_at IS NULL AND pg_temp.chance(id, 'note?') < 0.5;

INSERT INTO followups (id, ticket_id, author_id, visibility, body, created_at)
SELECT pg_temp.id_of(at, what, ticket_id), ticket_id, author_id, visibility, body, at FROM written ORDER BY ticket_id, at;

INSERT INTO events (id, ticket_id, kind, actor_id, at, data)
WITH told AS (
    SELECT l.*, r.id AS requester_id, (ARRAY[first_id, second_id, third_id])[level] AS person_id,
        CASE WHEN channel IN ('phone', 'in_person') THEN first_id ELSE r.id END AS registered_by
    FROM lives l JOIN requesters r ON r.n = l.requester
), happened AS (
    SELECT id, 1 AS place, 'received' AS kind, registered_by AS actor_id, received_at AS at, NULL::text[] AS changes,
        jsonb_build_object('channel', channel) AS details FROM told
    UNION ALL
    SELECT id, 2, 'classified', first_id, classified_at, ARRAY[
        'attention_due_at', NULL, pg_temp.told(received_at + interval '1 minute' * minutes),
        'classified_at', NULL, pg_temp.told(classified_at), 'criticality', NULL, criticality,
        'first_attention_due_at', NULL, pg_temp.told(received_at + interval '1 minute' * minutes),
        'status', 'received', 'classified'], '{}' FROM told WHERE classified_at IS NOT NULL
    UNION ALL
    -- At each level: assigned, due soon, overdue, accepted; and escalated to the next.
    SELECT id, 3 * a.level, 'assigned', first_id, a.assigned_at, ARRAY['assigned_at', NULL, pg_temp.told(a.assigned_at),
        'assignee_id', NULL, a.person_id::text, 'status', CASE a.level WHEN 1 THEN 'classified' ELSE 'escalated' END, 'assigned'],
        '{"automatic": true}' FROM told CROSS JOIN LATERAL (VALUES
        (1, assigned_at, first_id), (2, assigned_2_at, second_id), (3, assigned_3_at, third_id)) AS a (level, assigned_at, person_id)
        WHERE a.assigned_at IS NOT NULL
    UNION ALL
    SELECT id, 3 * a.level, told.kind, NULL, told.at, NULL, '{}' FROM span, told AS l CROSS JOIN LATERAL (VALUES
        (1, received_at, coalesce(l.accepted_at, l.archived_at, span.now)), (2, raised_2_at, coalesce(accepted_2_at, span.now)),
        (3, raised_3_at, accepted_3_at)) AS a (level, started_at, seen_until)
        CROSS JOIN LATERAL (VALUES ('due_soon', a.started_at + interval '1 minute' * (minutes - minutes / 4)),
        ('overdue', a.started_at + interval '1 minute' * minutes)) AS told (kind, at)
        WHERE (criticality IS NOT NULL OR stage = 'received') AND told.at < a.seen_until
            AND told.at >= coalesce(classified_at, received_at)
    UNION ALL
    SELECT id, 3 * a.level + 1, 'accepted', a.person_id, a.accepted_at, ARRAY['accepted_at', NULL, pg_temp.told(a.accepted_at),
        'attended_at', CASE WHEN a.level > 1 THEN pg_temp.told(l.accepted_at) END, pg_temp.told(l.accepted_at),
        'status', 'assigned', 'in_progress'],
        jsonb_build_object('followup_id', pg_temp.id_of(a.accepted_at, 'accepted ' || a.level, id), 'visibility', 'public')
        FROM told AS l CROSS JOIN LATERAL (VALUES (1, l.accepted_at, first_id), (2, l.accepted_2_at, second_id),
        (3, l.accepted_3_at, third_id)) AS a (level, accepted_at, person_id) WHERE a.accepted_at IS NOT NULL
    UNION ALL
    SELECT id, 3 * a.level - 1, 'escalated', a.person_id, a.raised_at, ARRAY['assignee_id', a.person_id::text, NULL,
        'status', 'in_progress', 'escalated', 'support_level', (a.level - 1)::text, a.level::text],
        jsonb_build_object('reason', a.reason)
        FROM told CROSS JOIN LATERAL (VALUES (2, raised_2_at, first_id, 'La falla no es del puesto de trabajo.'),
        (3, raised_3_at, second_id, 'Lo debe resolver el proveedor.')) AS a (level, raised_at, person_id, reason)
        WHERE a.raised_at IS NOT NULL
    UNION ALL
    SELECT id, 12, 'held', person_id, held_at, ARRAY['resumes_to', NULL, 'in_progress', 'status', 'in_progress', 'on_hold'],
        '{"reason": "Se espera el repuesto del proveedor."}' FROM told WHERE held_at IS NOT NULL
    UNION ALL
    SELECT id, 13, 'resumed', person_id, resumed_at, ARRAY['resumes_to', 'in_progress', NULL, 'status', 'on_hold', 'in_progress'],
        '{"kind": "hold"}' FROM told WHERE resumed_at IS NOT NULL
    UNION ALL
    SELECT id, 12, 'information_requested', person_id, asked_at, ARRAY[
        'information_deadline', NULL, pg_temp.told(asked_at + interval '3 days'), 'resumes_to', NULL, 'in_progress',
        'status', 'in_progress', 'on_hold'], jsonb_build_object('missing', '¿Cuál es la placa del equipo?', 'visibility', 'public',
        'followup_id', pg_temp.id_of(asked_at, 'asked', id)) FROM told WHERE asked_at IS NOT NULL
    UNION ALL
    SELECT id, 13, 'resumed', requester_id, answered_at, ARRAY[
        'information_deadline', pg_temp.told(asked_at + interval '3 days'), NULL, 'resumes_to', 'in_progress', NULL,
        'status', 'on_hold', 'in_progress'], '{"kind": "information", "answered_by": "followup"}' FROM told WHERE answered_at IS NOT NULL
    UNION ALL
    SELECT ticket_id, 12, 'followup_added', author_id, at, NULL,
        jsonb_build_object('followup_id', pg_temp.id_of(at, what, ticket_id), 'visibility', visibility)
        FROM written WHERE what IN ('note', 'answered')
    UNION ALL
    SELECT id, 13 + turn.n, 'solved', person_id, turn.at, ARRAY['solution', NULL,
        (SELECT t.solutions[pg_temp.pick(l.id, 'solution', cardinality(t.solutions))] FROM topics t WHERE t.rank = topic),
        'solved_at', NULL, pg_temp.told(turn.at), 'solved_by_id', NULL, person_id::text, 'status', 'in_progress', 'solved'], '{}'
        FROM told AS l CROSS JOIN LATERAL (VALUES (1, solved_at), (3, solved_again_at)) AS turn (n, at) WHERE turn.at IS NOT NULL
    UNION ALL
    SELECT id, 15, 'reopened', requester_id, reopened_at, ARRAY['solved_at', pg_temp.told(solved_at), NULL,
        'solved_by_id', person_id::text, NULL, 'status', 'solved', 'in_progress'],
        '{"reason": "Volvió a ocurrir."}' FROM told WHERE reopened_at IS NOT NULL
    UNION ALL
    SELECT id, 17, 'closed', CASE WHEN NOT unhurried THEN requester_id END, closed_at,
        ARRAY['closed_at', NULL, pg_temp.told(closed_at), 'status', 'solved', 'closed'],
        CASE WHEN unhurried THEN '{"after_days": 5}'::jsonb ELSE '{}' END FROM told WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT id, 17, 'archived', first_id, archived_at, ARRAY['archived_at', NULL, pg_temp.told(archived_at),
        'status', CASE WHEN criticality IS NULL THEN 'received' ELSE 'classified' END, 'archived'],
        jsonb_build_object('reason', (ARRAY['duplicate', 'withdrawn', 'missing_information'])[pg_temp.pick(id, 'reason', 3)])
        FROM told WHERE archived_at IS NOT NULL
)
SELECT pg_temp.id_of(at, 'event ' || kind || ' ' || place, id), id, kind, actor_id, at, pg_temp.data(changes, details)
FROM happened ORDER BY id, at, place;
