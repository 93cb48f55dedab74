DROP INDEX tickets_resubmission_of_key;
ALTER TABLE tickets ADD CONSTRAINT tickets_resubmission_of_key UNIQUE (resubmission_of);
DROP INDEX followups_published_from_key;
ALTER TABLE followups ADD CONSTRAINT followups_published_from_key UNIQUE (published_from);
