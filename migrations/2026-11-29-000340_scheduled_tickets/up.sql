-- Lists of tickets by appointment.
CREATE INDEX tickets_scheduled_for_idx ON tickets (scheduled_for, id) WHERE scheduled_for IS NOT NULL;
