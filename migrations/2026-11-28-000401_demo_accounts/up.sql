-- The demo accounts, each with the password hash that the server gave it last. One whose hash or address was changed
-- since is no longer touched.
CREATE TABLE demo_accounts (
    user_id       uuid PRIMARY KEY REFERENCES users,
    password_hash text NOT NULL
);
INSERT INTO demo_accounts (user_id, password_hash)
SELECT id, password_hash FROM users
WHERE password_hash IS NOT NULL
  AND email IN ('requester@mesa.test', 'technician@mesa.test', 'professional@mesa.test', 'director@mesa.test');
