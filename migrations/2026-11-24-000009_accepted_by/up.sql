-- Who accepted is kept: the ticket may be given to somebody else afterwards.
ALTER TABLE attentions ADD COLUMN accepted_by uuid REFERENCES users;
UPDATE attentions SET accepted_by = assignee_id WHERE accepted_at IS NOT NULL;
ALTER TABLE attentions ADD CONSTRAINT attentions_accepted CHECK ((accepted_at IS NULL) = (accepted_by IS NULL));
CREATE INDEX attentions_accepted_by_idx ON attentions (accepted_by);
