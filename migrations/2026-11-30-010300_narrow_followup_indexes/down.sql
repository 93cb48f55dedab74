DROP INDEX followups_author_idx;
CREATE INDEX followups_author_idx ON followups (author_id, created_at, id);
DROP INDEX surveys_requester_idx;
CREATE INDEX surveys_requester_idx ON surveys (requester_id, created_at, id);
DROP INDEX followups_ticket_idx;
CREATE INDEX followups_ticket_idx ON followups (ticket_id, created_at, id);
DROP INDEX followups_public_idx;
CREATE INDEX followups_public_idx ON followups (ticket_id, created_at, id) WHERE visibility = 'public';
