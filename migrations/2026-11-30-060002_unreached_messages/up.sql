-- How many attempts found no mail server. They do not count towards the attempts after which a message fails.
ALTER TABLE messages ADD COLUMN unreached integer NOT NULL DEFAULT 0;
