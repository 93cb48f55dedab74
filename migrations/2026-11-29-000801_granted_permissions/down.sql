ALTER TABLE users DROP COLUMN granted_permissions;
