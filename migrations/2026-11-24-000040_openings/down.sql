DROP INDEX article_revisions_changed_at_idx;
DROP INDEX articles_published_at_idx;
DROP INDEX escalations_escalated_by_idx;
DROP INDEX attentions_accepted_by_idx;
CREATE INDEX attentions_accepted_by_idx ON attentions (accepted_by);

DROP TRIGGER tickets_openings_changed ON tickets;
DROP TRIGGER tickets_openings_new ON tickets;
DROP FUNCTION tickets_openings();
DROP TABLE openings;

DROP INDEX attentions_unmeasured_idx;
DROP INDEX tickets_unmeasured_idx;
ALTER TABLE attentions DROP COLUMN working_minutes;
ALTER TABLE tickets DROP COLUMN attended_working_minutes;
