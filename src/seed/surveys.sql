-- A survey for each solved ticket; every second one is answered.
INSERT INTO surveys (id, ticket_id, requester_id, status, overall, timeliness, courtesy, solution, comment, created_at,
    offered_at, reminded_at, answered_at)
SELECT pg_temp.id_of(l.solved_at, 'survey', l.id), l.id, r.id, CASE WHEN a.at IS NULL THEN 'pending' ELSE 'answered' END,
    pg_temp.rating(l.id, 'overall', a.at), pg_temp.rating(l.id, 'timeliness', a.at), pg_temp.rating(l.id, 'courtesy', a.at),
    pg_temp.rating(l.id, 'solution', a.at),
    CASE WHEN a.at IS NOT NULL AND pg_temp.chance(l.id, 'comment?') < 0.2 THEN
        (ARRAY['Muy amables.', 'Se demoró un poco, pero quedó bien.', 'Excelente servicio.', 'La falla volvió a la semana.'])
        [pg_temp.pick(l.id, 'comment', 4)] END,
    l.solved_at, coalesce(l.last_solved_at, l.solved_at),
    CASE WHEN a.at IS NULL AND l.last_solved_at + interval '3 days' < span.now THEN l.last_solved_at + interval '3 days' END, a.at
FROM span, lives l JOIN requesters r ON r.n = l.requester
CROSS JOIN LATERAL (SELECT CASE WHEN l.closed_at IS NOT NULL AND pg_temp.chance(l.id, 'answered') < 0.5
    THEN l.last_solved_at + (l.closed_at - l.last_solved_at) * pg_temp.chance(l.id, 'when answered') END AS at) AS a
WHERE l.solved_at IS NOT NULL;

INSERT INTO survey_answers (survey_id, question_id, text_es, text_en, rating)
SELECT s.id, q.id, q.text_es, q.text_en, CASE q.key WHEN 'overall' THEN s.overall WHEN 'timeliness' THEN s.timeliness
    WHEN 'courtesy' THEN s.courtesy ELSE s.solution END
FROM surveys s CROSS JOIN survey_questions q
WHERE s.ticket_id BETWEEN {first} AND {last} AND s.status = 'answered' AND q.standing;
