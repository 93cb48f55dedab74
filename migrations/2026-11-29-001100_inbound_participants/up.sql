-- Where the author of a message wants answers, and to whom the message was sent: they may take part in its ticket.
ALTER TABLE inbound_emails
    ADD COLUMN reply_to text CHECK (length(reply_to) <= 254),
    ADD COLUMN recipients text[] NOT NULL DEFAULT '{}' CHECK (cardinality(recipients) <= 50);

-- `automatic`: a program sent it by mail. It is never answered, and has no minimum data.
-- `reply_to`: where mail to its requester goes, if not to the address of the account.
ALTER TABLE tickets
    ADD COLUMN automatic boolean NOT NULL DEFAULT false,
    ADD COLUMN reply_to text CHECK (length(reply_to) <= 254),
    DROP CONSTRAINT tickets_minimum_data,
    ADD CONSTRAINT tickets_minimum_data CHECK (
        archive_reason IS NOT NULL
        OR information_deadline IS NOT NULL
        OR criticality IS NOT DISTINCT FROM 'critical'
        OR automatic
        OR (requester_document_id IS NOT NULL AND requester_unit_id IS NOT NULL
            AND coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL));

-- `from_copy`: a person in copy of the mail about the ticket wrote it; `to_requester`: they sent it to the requester too.
-- `is_cut`: the quoted text of the message was left out.
ALTER TABLE followups
    ADD COLUMN from_copy boolean NOT NULL DEFAULT false CHECK (NOT from_copy OR visibility = 'private'),
    ADD COLUMN to_requester boolean NOT NULL DEFAULT false CHECK (NOT to_requester OR from_copy),
    ADD COLUMN is_cut boolean NOT NULL DEFAULT false;

-- The open tickets of a program, to which its repeated messages belong.
CREATE INDEX tickets_of_programs_idx ON tickets (requester_id, received_at DESC)
    WHERE automatic AND status NOT IN ('solved', 'closed', 'archived');
