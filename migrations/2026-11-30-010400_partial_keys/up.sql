-- Nearly all rows have no value: each change of a ticket wrote an entry for it.
ALTER TABLE tickets DROP CONSTRAINT tickets_resubmission_of_key;
CREATE UNIQUE INDEX tickets_resubmission_of_key ON tickets (resubmission_of) WHERE resubmission_of IS NOT NULL;
ALTER TABLE followups DROP CONSTRAINT followups_published_from_key;
CREATE UNIQUE INDEX followups_published_from_key ON followups (published_from) WHERE published_from IS NOT NULL;
