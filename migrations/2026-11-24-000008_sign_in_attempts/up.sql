-- How often all sign-ins of a person were ended at once: an access token holds as long as this number is the one that it
-- was made under.
ALTER TABLE users ADD COLUMN sign_in_era integer NOT NULL DEFAULT 0;
