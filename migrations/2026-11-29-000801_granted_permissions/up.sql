-- Permissions that a person has in addition to those of the role.
ALTER TABLE users ADD COLUMN granted_permissions text[] NOT NULL DEFAULT '{}'
    CHECK (granted_permissions <@ '{records}' AND array_position(granted_permissions, NULL) IS NULL);
