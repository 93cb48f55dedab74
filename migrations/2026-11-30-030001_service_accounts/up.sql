-- A service account is a machine that acts under its own name: an account, so that events, followups and the audit log refer
-- to it as to a person. `scopes` are the actions of its role that it may carry out; `machine_unit_ids` and
-- `machine_category_ids` limit the tickets that it may use, unless they are empty.
ALTER TABLE users
    ADD COLUMN account_kind text NOT NULL DEFAULT 'person' CHECK (account_kind IN ('person', 'service_account')),
    ADD COLUMN scopes text[] CHECK (cardinality(scopes) <= 100),
    ADD COLUMN account_description text CHECK (length(account_description) BETWEEN 1 AND 1000),
    ADD COLUMN machine_active boolean,
    ADD COLUMN machine_unit_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(machine_unit_ids) <= 100),
    ADD COLUMN machine_category_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(machine_category_ids) <= 100);
-- It has none of what people have: neither password nor address, document, unit, contract or permissions of its own. Its
-- address is of a domain to which no mail can be delivered (RFC 2606): the previous version of the server reads an address of
-- every account. To the previous version, and wherever people are chosen, it is an account that is not active: `machine_active`
-- says whether its keys are accepted.
ALTER TABLE users ADD CONSTRAINT users_service_account CHECK (
    account_kind = 'person' AND scopes IS NULL AND account_description IS NULL AND machine_active IS NULL
        AND machine_unit_ids = '{}' AND machine_category_ids = '{}'
    OR account_kind = 'service_account' AND scopes IS NOT NULL AND role <> 'requester'
        AND machine_active IS NOT NULL AND NOT active
        AND email = id::text || '@service-account.invalid' AND password_hash IS NULL AND document_id IS NULL
        AND landline IS NULL AND extension IS NULL AND mobile IS NULL AND unit_id IS NULL
        AND contract_ends_on IS NULL AND granted_permissions = '{}' AND NOT staff_mail);
CREATE INDEX users_service_accounts_idx ON users (full_name_key, id) WHERE account_kind = 'service_account';

CREATE FUNCTION keep_account_kind() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an account stays that of a person or of a machine' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keep_account_kind BEFORE UPDATE OF account_kind ON users FOR EACH ROW WHEN (OLD.account_kind <> NEW.account_kind)
    EXECUTE FUNCTION keep_account_kind();

-- Refuses a service account in the column that the argument names.
CREATE FUNCTION must_be_person() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = (to_jsonb(NEW) ->> TG_ARGV[0])::uuid AND account_kind <> 'person') THEN
        RAISE EXCEPTION '%.% must be a person', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
-- Tickets have long texts, which the function above would convert.
CREATE FUNCTION ticket_is_of_people() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE id IN (NEW.requester_id, NEW.assignee_id) AND account_kind <> 'person') THEN
        RAISE EXCEPTION 'requester and assignee of a ticket must be people' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER requester_is_person BEFORE INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION ticket_is_of_people();
CREATE TRIGGER assignee_is_person BEFORE UPDATE OF requester_id, assignee_id ON tickets FOR EACH ROW
    WHEN ((NEW.requester_id, NEW.assignee_id) IS DISTINCT FROM (OLD.requester_id, OLD.assignee_id))
    EXECUTE FUNCTION ticket_is_of_people();
CREATE TRIGGER watcher_is_person BEFORE INSERT ON ticket_watchers FOR EACH ROW
    EXECUTE FUNCTION must_be_person('user_id');
CREATE TRIGGER on_shift_is_person BEFORE INSERT ON shifts FOR EACH ROW EXECUTE FUNCTION must_be_person('user_id');
CREATE TRIGGER absent_is_person BEFORE INSERT ON absences FOR EACH ROW EXECUTE FUNCTION must_be_person('user_id');
CREATE TRIGGER head_is_person BEFORE INSERT OR UPDATE OF head_id ON units FOR EACH ROW WHEN (NEW.head_id IS NOT NULL)
    EXECUTE FUNCTION must_be_person('head_id');
CREATE TRIGGER owner_is_person BEFORE INSERT OR UPDATE OF owner_id ON improvement_actions FOR EACH ROW
    EXECUTE FUNCTION must_be_person('owner_id');
CREATE TRIGGER owner_is_person BEFORE INSERT OR UPDATE OF owner_id ON risks FOR EACH ROW
    EXECUTE FUNCTION must_be_person('owner_id');
CREATE TRIGGER completer_is_person BEFORE UPDATE OF completed_by ON improvement_actions FOR EACH ROW
    WHEN (NEW.completed_by IS NOT NULL) EXECUTE FUNCTION must_be_person('completed_by');
CREATE TRIGGER verifier_is_person BEFORE UPDATE OF verified_by ON improvement_actions FOR EACH ROW
    WHEN (NEW.verified_by IS NOT NULL) EXECUTE FUNCTION must_be_person('verified_by');
CREATE TRIGGER author_is_person BEFORE INSERT OR UPDATE OF author_id ON quarterly_report_texts FOR EACH ROW
    WHEN (NEW.author_id IS NOT NULL) EXECUTE FUNCTION must_be_person('author_id');
CREATE TRIGGER link_is_for_person BEFORE INSERT OR UPDATE OF user_id ON password_links FOR EACH ROW
    EXECUTE FUNCTION must_be_person('user_id');
CREATE TRIGGER sign_in_is_of_person BEFORE INSERT OR UPDATE OF user_id ON refresh_tokens FOR EACH ROW
    EXECUTE FUNCTION must_be_person('user_id');

-- Keys with which a service account, or a person's own programs, call the API. Only the SHA-256 of the key is kept, and its
-- last characters to recognize it.
CREATE TABLE access_keys (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    name       text CHECK (length(name) BETWEEN 1 AND 100),
    key_hash   bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    last_four  text NOT NULL CHECK (last_four ~ '^[0-9A-Za-z]{4}$'),
    -- The era of the account's sign-ins in which the key was created: it ends with them.
    era        integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at AND expires_at <= created_at + interval '2 years 1 day'),
    revoked_at timestamptz
);
CREATE INDEX access_keys_user_idx ON access_keys (user_id, created_at, id);

-- At most two usable keys of a service account, for rotation, and ten of a person.
CREATE FUNCTION limit_access_keys() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    current integer;
    most    integer;
BEGIN
    SELECT sign_in_era, CASE account_kind WHEN 'person' THEN 10 ELSE 2 END INTO current, most
    FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM access_keys k WHERE k.user_id = NEW.user_id AND k.revoked_at IS NULL
            AND k.expires_at > clock_timestamp() AND k.era = current) >= most THEN
        RAISE EXCEPTION 'the account has all the keys that it may have' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER limit_access_keys BEFORE INSERT ON access_keys FOR EACH ROW EXECUTE FUNCTION limit_access_keys();

-- A key is only ever revoked, once; anonymization removes its name.
CREATE FUNCTION keep_access_keys() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
        OR NEW.name IS NOT NULL AND NEW.name IS DISTINCT FROM OLD.name
        OR (to_jsonb(NEW) - 'revoked_at' - 'name') <> (to_jsonb(OLD) - 'revoked_at' - 'name') THEN
        RAISE EXCEPTION 'a key can only be revoked' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_access_keys BEFORE UPDATE ON access_keys FOR EACH ROW EXECUTE FUNCTION keep_access_keys();

-- The last use of each key, written at most once a minute. Apart from the key, whose changes are recorded.
CREATE TABLE access_key_uses (
    key_id            uuid PRIMARY KEY REFERENCES access_keys ON DELETE CASCADE,
    last_used_at      timestamptz NOT NULL,
    last_used_address text CHECK (length(last_used_address) <= 45)
);

-- Without the name, which may be personal and which anonymization removes.
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON access_keys
    FOR EACH ROW EXECUTE FUNCTION record_change('access_key', '{id}', '{user_id,last_four,expires_at,revoked_at}', '');
-- A service account is a resource of its own in the audit log.
DROP TRIGGER record_change ON users;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON users FOR EACH ROW WHEN (NEW.account_kind = 'person')
    EXECUTE FUNCTION record_change('user', '{id}', '{}', '');
CREATE TRIGGER record_removal AFTER DELETE ON users FOR EACH ROW WHEN (OLD.account_kind = 'person')
    EXECUTE FUNCTION record_change('user', '{id}', '{}', '');
CREATE TRIGGER record_service_account AFTER INSERT OR UPDATE ON users FOR EACH ROW WHEN (NEW.account_kind = 'service_account')
    EXECUTE FUNCTION record_change('service_account', '{id}', '{full_name,role,scopes,account_description,machine_active,machine_unit_ids,machine_category_ids}', '');
CREATE TRIGGER record_service_account_removal AFTER DELETE ON users FOR EACH ROW WHEN (OLD.account_kind = 'service_account')
    EXECUTE FUNCTION record_change('service_account', '{id}', '{full_name,role,scopes,account_description,machine_active,machine_unit_ids,machine_category_ids}', '');
