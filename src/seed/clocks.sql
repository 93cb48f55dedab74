-- Attention at each level, escalations, waits, and how long each ticket was open.
INSERT INTO attentions (ticket_id, level, started_at, minutes, due_at, assignee_id, assigned_at, accepted_at, accepted_by,
    working_minutes, policy_id, opening_hours)
SELECT l.id, a.level, a.started_at, l.minutes, a.started_at + interval '1 minute' * l.minutes,
    CASE WHEN a.assigned_at IS NOT NULL THEN a.person_id END, a.assigned_at, a.accepted_at,
    CASE WHEN a.accepted_at IS NOT NULL THEN a.person_id END, minutes(a.started_at, a.accepted_at), l.policy_id, '24/7'
FROM lives l CROSS JOIN LATERAL (VALUES
    (1, l.received_at, l.assigned_at, l.accepted_at, l.first_id),
    (2, l.raised_2_at, l.assigned_2_at, l.accepted_2_at, l.second_id),
    (3, l.raised_3_at, l.assigned_3_at, l.accepted_3_at, l.third_id)
) AS a (level, started_at, assigned_at, accepted_at, person_id)
WHERE (l.criticality IS NOT NULL OR l.stage = 'received') AND a.started_at IS NOT NULL;

INSERT INTO escalations (id, ticket_id, from_level, to_level, reason, escalated_by, created_at)
SELECT pg_temp.id_of(raised_2_at, 'escalation 2', id), id, 1, 2, 'La falla no es del puesto de trabajo.', first_id, raised_2_at
FROM lives WHERE raised_2_at IS NOT NULL
UNION ALL
SELECT pg_temp.id_of(raised_3_at, 'escalation 3', id), id, 2, 3, 'Lo debe resolver el proveedor.', second_id, raised_3_at
FROM lives WHERE raised_3_at IS NOT NULL;

INSERT INTO holds (id, ticket_id, kind, reason, started_at, started_by, ended_at, ended_by)
SELECT pg_temp.id_of(held_at, 'hold', id), id, 'hold', 'Se espera el repuesto del proveedor.', held_at,
    (ARRAY[first_id, second_id, third_id])[level], resumed_at,
    CASE WHEN resumed_at IS NOT NULL THEN (ARRAY[first_id, second_id, third_id])[level] END
FROM lives WHERE held_at IS NOT NULL
UNION ALL
SELECT pg_temp.id_of(asked_at, 'hold', l.id), l.id, 'information', '¿Cuál es la placa del equipo?', asked_at,
    (ARRAY[first_id, second_id, third_id])[level], answered_at, CASE WHEN answered_at IS NOT NULL THEN r.id END
FROM lives l JOIN requesters r ON r.n = l.requester WHERE asked_at IS NOT NULL;

-- Triggers have recorded the openings from the final state of the tickets; the earlier states are added here.
UPDATE openings o SET working_minutes = minutes(l.received_at, l.last_solved_at - l.paused)
FROM lives l WHERE o.ticket_id = l.id AND l.reopened_at IS NULL AND l.solved_at IS NOT NULL;
UPDATE openings o SET ended_at = l.solved_at, outcome = 'solved', reopened_at = l.reopened_at, support_level = l.level,
    solved_by_id = (ARRAY[l.first_id, l.second_id, l.third_id])[l.level],
    working_minutes = minutes(l.received_at, l.solved_at - l.paused)
FROM lives l WHERE o.ticket_id = l.id AND l.reopened_at IS NOT NULL;
INSERT INTO openings (ticket_id, number, opened_at, ended_at, outcome, solved_by_id, support_level, working_minutes)
SELECT id, 2, reopened_at, solved_again_at, CASE WHEN solved_again_at IS NOT NULL THEN 'solved' END,
    CASE WHEN solved_again_at IS NOT NULL THEN (ARRAY[first_id, second_id, third_id])[level] END,
    CASE WHEN solved_again_at IS NOT NULL THEN level END, minutes(received_at, solved_again_at - paused)
FROM lives WHERE reopened_at IS NOT NULL;
