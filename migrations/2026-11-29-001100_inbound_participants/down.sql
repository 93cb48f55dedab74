DROP INDEX tickets_of_programs_idx;
ALTER TABLE followups DROP COLUMN is_cut, DROP COLUMN to_requester, DROP COLUMN from_copy;
UPDATE tickets SET criticality = 'critical' WHERE automatic AND archive_reason IS NULL AND information_deadline IS NULL
    AND (requester_document_id IS NULL OR requester_unit_id IS NULL
        OR coalesce(requester_landline, requester_extension, requester_mobile) IS NULL);
ALTER TABLE tickets
    DROP CONSTRAINT tickets_minimum_data,
    DROP COLUMN reply_to,
    DROP COLUMN automatic,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT NULL
        OR information_deadline IS NOT NULL
        OR criticality IS NOT DISTINCT FROM 'critical'
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL));
ALTER TABLE inbound_emails DROP COLUMN recipients, DROP COLUMN reply_to;
