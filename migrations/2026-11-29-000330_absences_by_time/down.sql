DROP INDEX absences_starts_at_idx;
