ALTER TABLE users DROP COLUMN document_declared;
