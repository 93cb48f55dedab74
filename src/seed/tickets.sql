-- The tickets in their final state.
INSERT INTO tickets (id, subject, description, channel, criticality, category_id, support_level, requester_id,
    requester_full_name, requester_document_id, requester_email, requester_landline, requester_extension, requester_mobile,
    requester_unit_id, requester_unit_name, reception_head_id, registered_by_id, received_at, status, resumes_to,
    information_deadline, assignee_id, classified_at, assigned_at, accepted_at, scheduled_for, attended_at, attended_working_minutes,
    clock_stopped_at, first_attention_due_at, attention_due_at, attention_due_soon_at, due_soon_told_at, overdue_told_at,
    solved_at, solved_by_id, solution, closed_at, archived_at, archive_reason, archive_note, reopened_count, version, updated_at)
OVERRIDING SYSTEM VALUE
SELECT l.id, t.subjects[pg_temp.pick(l.id, 'subject', cardinality(t.subjects))],
    c.begins || ': ' || lower(left(t.subjects[pg_temp.pick(l.id, 'subject', cardinality(t.subjects))], 1)) ||
        substr(t.subjects[pg_temp.pick(l.id, 'subject', cardinality(t.subjects))], 2) || '. Además, ' || d.happens || '. ' || e.asks,
    l.channel, l.criticality, l.category_id, l.level, r.id, r.full_name, r.document_id, r.email, r.landline, r.extension, r.mobile,
    r.unit_id, r.unit_name, r.head_id, CASE WHEN l.channel IN ('phone', 'in_person') THEN l.first_id ELSE r.id END,
    l.received_at, state.status, CASE WHEN state.status = 'on_hold' THEN 'in_progress' END,
    CASE WHEN l.stage = 'asked' THEN l.asked_at + interval '3 days' END,
    CASE WHEN l.given_at IS NOT NULL THEN (ARRAY[l.first_id, l.second_id, l.third_id])[l.level] END,
    l.classified_at, l.given_at, l.at_work_at, CASE WHEN l.criticality <> 'critical' THEN l.at_work_at + interval '1 hour' END,
    l.accepted_at, minutes(l.received_at, l.accepted_at), l.at_work_at,
    l.received_at + due.whole, clock.due_at, clock.soon_at,
    CASE WHEN clock.soon_at < clock.seen_until THEN clock.soon_at END, CASE WHEN clock.due_at < clock.seen_until THEN clock.due_at END,
    now_solved.at, CASE WHEN now_solved.at IS NOT NULL THEN (ARRAY[l.first_id, l.second_id, l.third_id])[l.level] END,
    CASE WHEN now_solved.at IS NOT NULL THEN t.solutions[pg_temp.pick(l.id, 'solution', cardinality(t.solutions))] END,
    l.closed_at, l.archived_at,
    CASE WHEN l.archived_at IS NOT NULL THEN (ARRAY['duplicate', 'withdrawn', 'missing_information'])[pg_temp.pick(l.id, 'reason', 3)] END,
    CASE WHEN l.archived_at IS NOT NULL THEN 'Se habló con quien la presentó.' END,
    (l.reopened_at IS NOT NULL)::integer,
    1 + num_nonnulls(l.classified_at, l.assigned_at, l.accepted_at, l.raised_2_at, l.assigned_2_at, l.accepted_2_at, l.raised_3_at,
        l.assigned_3_at, l.accepted_3_at, l.held_at, l.resumed_at, l.asked_at, l.answered_at, l.answered_at, l.solved_at,
        l.reopened_at, l.solved_again_at, l.closed_at, l.archived_at),
    greatest(l.received_at, l.classified_at, l.assigned_at, l.accepted_at, l.raised_2_at, l.assigned_2_at, l.accepted_2_at,
        l.raised_3_at, l.assigned_3_at, l.accepted_3_at, l.held_at, l.resumed_at, l.asked_at, l.answered_at, l.solved_at,
        l.reopened_at, l.solved_again_at, l.closed_at, l.archived_at)
FROM lives l
JOIN topics t ON t.rank = l.topic
JOIN requesters r ON r.n = l.requester
JOIN circumstances c ON c.n = pg_temp.pick(l.id, 'begins', 8)
JOIN circumstances d ON d.n = pg_temp.pick(l.id, 'happens', 8)
JOIN circumstances e ON e.n = pg_temp.pick(l.id, 'asks', 8)
CROSS JOIN span
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.stage IN ('held', 'asked') THEN 'on_hold' WHEN l.stage = 'reopened' THEN 'in_progress' ELSE l.stage END AS status
) AS state
CROSS JOIN LATERAL (SELECT CASE WHEN l.criticality IS NOT NULL OR l.stage = 'received' THEN interval '1 minute' * l.minutes END AS whole) AS due
CROSS JOIN LATERAL (
    SELECT l.clock_at + due.whole AS due_at,
        CASE WHEN l.criticality IS NOT NULL OR l.stage = 'received' THEN l.clock_at + interval '1 minute' * (l.minutes - l.minutes / 4) END AS soon_at,
        coalesce(l.at_work_at, l.archived_at, span.now) AS seen_until
) AS clock
CROSS JOIN LATERAL (SELECT CASE WHEN l.stage IN ('solved', 'closed') THEN l.last_solved_at END AS at) AS now_solved
ORDER BY l.id;
