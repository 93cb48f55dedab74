-- The list of the absences of all people, in the order in which they begin.
CREATE INDEX absences_starts_at_idx ON absences (starts_at, id);
