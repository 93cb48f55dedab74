-- A third party can work on a ticket at any support level, under the assignee who manages the case. A change of level
-- from a level to itself records that a third party starts to work there, or, without one, that it stopped.
ALTER TABLE escalations
    DROP CONSTRAINT escalations_check2,
    DROP CONSTRAINT escalations_direction,
    ADD CONSTRAINT escalations_direction CHECK (to_level > from_level
        OR (escalated_by IS NOT NULL AND (to_level = from_level OR third_party IS NULL)));

-- The third party that works on the ticket now, and its promise.
ALTER TABLE tickets
    ADD COLUMN third_party              text CHECK (length(third_party) BETWEEN 1 AND 200),
    ADD COLUMN third_party_promised_for timestamptz,
    ADD CONSTRAINT tickets_third_party CHECK (third_party IS NOT NULL OR third_party_promised_for IS NULL);
UPDATE tickets t SET third_party = e.third_party, third_party_promised_for = e.promised_for
FROM (SELECT DISTINCT ON (ticket_id) ticket_id, to_level, third_party, promised_for FROM escalations
      ORDER BY ticket_id, created_at DESC, id DESC) e
WHERE e.ticket_id = t.id AND e.third_party IS NOT NULL AND e.to_level = t.support_level
    AND t.status NOT IN ('solved', 'closed', 'archived');
