-- Whether the number of the identity document was only stated by its owner in mail, and no staff confirmed it: it does not
-- identify the person at the counter.
ALTER TABLE users ADD COLUMN document_declared boolean NOT NULL DEFAULT false;
