-- Times when a person can be reached outside of working time.
ALTER TABLE shifts ADD COLUMN on_call boolean NOT NULL DEFAULT false;
