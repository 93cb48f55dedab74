-- The events of each ticket of a batch, in seconds after its reception; null if the event does not occur.
CREATE TEMP TABLE natural_lives ON COMMIT DROP AS
WITH asked AS (
    SELECT i AS id,
        -- From 7:00 to 18:00, Monday to Saturday morning, in the order of the ticket numbers.
        (SELECT week + interval '1 day' * floor(days) + interval '7 hours' + interval '11 hours' * (days - floor(days))
            FROM (SELECT date_trunc('week', at) AS week, extract(epoch FROM at - date_trunc('week', at))::float8 / 604800 * 5.35 AS days
                FROM (SELECT began_local + (ended_local - began_local) * ((i - 1 + pg_temp.chance(i, 'received')) / {tickets}) AS at) AS spread
            ) AS placed) AT TIME ZONE '{timezone}' AS received_at,
        (ARRAY['critical', 'high', 'high', 'medium', 'medium', 'medium', 'low', 'low', 'low', 'low'])[pg_temp.pick(i, 'criticality', 10)] AS criticality,
        (ARRAY['api', 'web', 'web', 'web', 'email', 'email', 'phone', 'phone', 'in_person'])[pg_temp.pick(i, 'channel', 9)] AS channel,
        -- The newest are open or solved, equally many in each state; the others are closed or archived.
        CASE WHEN i > {tickets} - greatest(18, {tickets} / (25 * {years})) THEN (ARRAY['received', 'classified', 'assigned', 'in_progress',
                'escalated', 'held', 'asked', 'solved', 'reopened'])[1 + (i % 9)::integer]
            WHEN pg_temp.chance(i, 'archived') < 0.06 THEN 'archived' ELSE 'closed' END AS stage
    FROM span, generate_series({first}::bigint, {last}::bigint) AS i
), first_level AS (
    SELECT asked.*, t.minutes, pg_temp.wait(id, 'classified', 8) AS classified, pg_temp.chance(id, 'raised') AS raised,
        pg_temp.chance(id, 'wanting') AS wanting, extract(epoch FROM span.now - received_at)::float8 - 60 AS past
    FROM asked JOIN attention_times t USING (criticality), span
), accepted AS (
    SELECT *, classified + pg_temp.wait(id, 'assigned', 3) AS assigned,
        classified + pg_temp.wait(id, 'assigned', 3) + pg_temp.wait(id, 'accepted', minutes * 0.4) AS accepted
    FROM first_level WHERE stage NOT IN ('received', 'archived')
), levels AS (
    SELECT id, accepted.assigned, accepted.accepted,
        CASE WHEN raised < 0.18 OR stage = 'escalated' THEN accepted + pg_temp.wait(id, 'raised 2', 150) END AS raised_2,
        CASE WHEN raised < 0.04 AND stage <> 'escalated' THEN pg_temp.wait(id, 'raised 3', 600) END AS until_3
    FROM accepted WHERE stage NOT IN ('classified', 'assigned')
), higher AS (
    SELECT *, raised_2 + pg_temp.wait(id, 'assigned 2', 10) AS assigned_2,
        raised_2 + pg_temp.wait(id, 'assigned 2', 10) + pg_temp.wait(id, 'accepted 2', 120) AS accepted_2
    FROM levels
), highest AS (
    SELECT *, accepted_2 + until_3 AS raised_3, accepted_2 + until_3 + pg_temp.wait(id, 'assigned 3', 10) AS assigned_3,
        accepted_2 + until_3 + pg_temp.wait(id, 'assigned 3', 10) + pg_temp.wait(id, 'accepted 3', 200) AS accepted_3
    FROM higher
), worked AS (
    SELECT h.*, f.stage, f.wanting, f.past, coalesce(accepted_3, accepted_2, accepted) AS at_work,
        f.past - pg_temp.chance(id, 'lately') * 100000 AS lately
    FROM highest h JOIN first_level f USING (id) WHERE stage <> 'escalated'
), waited AS (
    SELECT *,
        CASE WHEN stage = 'held' THEN greatest(at_work + 60, lately)
            WHEN stage NOT IN ('in_progress', 'asked') AND wanting < 0.1 THEN at_work + pg_temp.wait(id, 'held', 60) END AS held,
        CASE WHEN stage = 'asked' THEN greatest(at_work + 60, lately)
            WHEN stage NOT IN ('in_progress', 'held') AND wanting >= 0.9 THEN at_work + pg_temp.wait(id, 'asked', 30) END AS asked
    FROM worked
), went_on AS (
    SELECT *, CASE WHEN stage <> 'held' THEN held + pg_temp.wait(id, 'resumed', 900) END AS resumed,
        CASE WHEN stage <> 'asked' THEN asked + pg_temp.wait(id, 'answered', 400) END AS answered
    FROM waited
), solved AS (
    SELECT *,
        CASE WHEN stage = 'solved' THEN greatest(coalesce(resumed, answered, at_work) + 60, lately)
            WHEN stage IN ('reopened', 'closed') THEN coalesce(resumed, answered, at_work) + pg_temp.wait(id, 'solved', 700) END AS solved
    FROM went_on
), reopened AS (
    SELECT *, CASE WHEN stage = 'reopened' OR stage = 'closed' AND pg_temp.chance(id, 'reopened') < 0.08
        THEN solved + pg_temp.wait(id, 'reopened', 1500) END AS reopened
    FROM solved
), again AS (
    SELECT *, CASE WHEN stage = 'closed' THEN reopened + pg_temp.wait(id, 'again', 900) END AS solved_again FROM reopened
)
SELECT f.id, f.received_at, f.channel, f.stage, f.past,
    -- Until the classification the attention time of critical tickets counts.
    CASE WHEN f.stage = 'received' THEN 60 ELSE f.minutes END AS minutes,
    CASE WHEN f.stage = 'received' OR f.stage = 'archived' AND f.wanting < 0.5 THEN NULL ELSE f.criticality END AS criticality,
    CASE WHEN f.stage = 'received' OR f.stage = 'archived' AND f.wanting < 0.5 THEN NULL ELSE f.classified END AS classified,
    CASE WHEN f.stage NOT IN ('received', 'classified', 'archived') THEN a.assigned END AS assigned,
    highest.accepted, highest.raised_2,
    CASE WHEN f.stage <> 'escalated' THEN highest.assigned_2 END AS assigned_2,
    CASE WHEN f.stage <> 'escalated' THEN highest.accepted_2 END AS accepted_2,
    highest.raised_3, highest.assigned_3, highest.accepted_3, again.held, again.resumed, again.asked, again.answered,
    again.solved, again.reopened, again.solved_again,
    CASE WHEN f.stage = 'closed' THEN coalesce(again.solved_again, again.solved) + 432000 END AS closed,
    CASE WHEN f.stage = 'archived' THEN f.classified + pg_temp.wait(f.id, 'archived', 600) END AS archived
FROM first_level f LEFT JOIN accepted a USING (id, stage) LEFT JOIN highest USING (id) LEFT JOIN again USING (id, stage);

-- The same as moments. If an event would be in the future, all events of the ticket are moved closer to its reception.
CREATE TEMP TABLE lives ON COMMIT DROP AS
WITH hurried AS (
    SELECT *, least(1, past / greatest(classified, assigned, accepted, raised_2, assigned_2, accepted_2, raised_3, assigned_3,
        accepted_3, held, resumed, asked, answered, solved, reopened, solved_again, closed, archived, 1)) AS pace
    FROM natural_lives
), moments AS (
    SELECT id, received_at, channel, stage, minutes, criticality, pace = 1 AS unhurried,
        received_at + classified * pace * interval '1 second' AS classified_at,
        received_at + assigned * pace * interval '1 second' AS assigned_at,
        received_at + accepted * pace * interval '1 second' AS accepted_at,
        received_at + raised_2 * pace * interval '1 second' AS raised_2_at,
        received_at + assigned_2 * pace * interval '1 second' AS assigned_2_at,
        received_at + accepted_2 * pace * interval '1 second' AS accepted_2_at,
        received_at + raised_3 * pace * interval '1 second' AS raised_3_at,
        received_at + assigned_3 * pace * interval '1 second' AS assigned_3_at,
        received_at + accepted_3 * pace * interval '1 second' AS accepted_3_at,
        received_at + held * pace * interval '1 second' AS held_at,
        received_at + resumed * pace * interval '1 second' AS resumed_at,
        received_at + asked * pace * interval '1 second' AS asked_at,
        received_at + answered * pace * interval '1 second' AS answered_at,
        received_at + solved * pace * interval '1 second' AS solved_at,
        received_at + reopened * pace * interval '1 second' AS reopened_at,
        received_at + solved_again * pace * interval '1 second' AS solved_again_at,
        received_at + closed * pace * interval '1 second' AS closed_at,
        received_at + archived * pace * interval '1 second' AS archived_at
    FROM hurried
)
SELECT m.*,
    CASE WHEN raised_3_at IS NOT NULL THEN 3 WHEN raised_2_at IS NOT NULL THEN 2 ELSE 1 END AS level,
    coalesce(raised_3_at, raised_2_at, received_at) AS clock_at,
    CASE WHEN raised_3_at IS NOT NULL THEN accepted_3_at WHEN raised_2_at IS NOT NULL THEN accepted_2_at ELSE m.accepted_at END AS at_work_at,
    CASE WHEN raised_3_at IS NOT NULL THEN assigned_3_at WHEN raised_2_at IS NOT NULL THEN assigned_2_at ELSE m.assigned_at END AS given_at,
    CASE WHEN reopened_at IS NULL THEN solved_at ELSE solved_again_at END AS last_solved_at,
    coalesce(answered_at - asked_at, interval '0') AS paused,
    first.id AS first_id, first.full_name AS first_name, second.id AS second_id, second.full_name AS second_name,
    third.id AS third_id, third.full_name AS third_name, p.policy_id,
    t.rank AS topic, t.category_id, r.n AS requester
FROM moments m
JOIN topics t ON pg_temp.chance(m.id, 'topic') >= t.chance_from AND pg_temp.chance(m.id, 'topic') < t.chance_to
JOIN requesters r ON r.n = pg_temp.pick(m.id, 'requester', (SELECT count(*) FROM requesters)::integer)
JOIN staff first ON first.level = 1 AND first.n = pg_temp.pick(m.id, 'first level', first.people::integer)
JOIN staff second ON second.level = 2 AND second.n = pg_temp.pick(m.id, 'second level', second.people::integer)
JOIN staff third ON third.level = 3 AND third.n = pg_temp.pick(m.id, 'third level', third.people::integer)
LEFT JOIN (SELECT criticality, id AS policy_id FROM attention_policies) AS p
    ON p.criticality = coalesce(m.criticality, CASE WHEN m.stage = 'received' THEN 'critical' END);
CREATE UNIQUE INDEX ON lives (id);
ANALYZE lives;
