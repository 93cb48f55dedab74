-- Webhooks: other systems to which events of the log are sent. The events go out with the rights that the owner has when they
-- are sent. `position` is the position in the log up to which deliveries were made. The secrets are kept as they are, because
-- each request is signed with them; the answers of the API and the audit log do not have them.
CREATE TABLE webhooks (
    id                    uuid PRIMARY KEY,
    url                   text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description           text CHECK (length(description) BETWEEN 1 AND 1000),
    event_types           text[] NOT NULL CHECK (cardinality(event_types) <= 100),
    unit_ids              uuid[] NOT NULL CHECK (cardinality(unit_ids) <= 100),
    category_ids          uuid[] NOT NULL CHECK (cardinality(category_ids) <= 100),
    api_version           text NOT NULL DEFAULT 'v1' CHECK (api_version = 'v1'),
    owner_id              uuid NOT NULL REFERENCES users,
    active                boolean NOT NULL,
    ended_reason          text CHECK (ended_reason IN ('gone', 'failing', 'owner')),
    failing_since         timestamptz,
    position              bigint NOT NULL CHECK (position >= -1),
    secret                bytea NOT NULL CHECK (length(secret) = 32),
    previous_secret       bytea CHECK (length(previous_secret) = 32),
    previous_secret_until timestamptz,
    version               integer NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    CONSTRAINT webhooks_ended CHECK (ended_reason IS NULL OR NOT active),
    CONSTRAINT webhooks_previous_secret CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);
CREATE INDEX webhooks_created_idx ON webhooks (created_at, id);

-- What is sent and what came back. `subject` is what the event is about: the deliveries of one subject are sent in order, those
-- of several at once. The body is not kept: it is made when it is sent.
CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,
    webhook_id      uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id        uuid NOT NULL,
    position        bigint NOT NULL,
    subject         text NOT NULL CHECK (length(subject) <= 300),
    event_type      text NOT NULL CHECK (length(event_type) <= 100),
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'skipped')),
    attempts        smallint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    -- A copy of the server sends it until then.
    locked_until    timestamptz,
    last_attempt_at timestamptz,
    response_status smallint,
    duration_ms     integer,
    response_body   text,
    error           text CHECK (length(error) <= 300),
    created_at      timestamptz NOT NULL,
    delivered_at    timestamptz,
    UNIQUE (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_delivered CHECK (delivered_at IS NULL OR state = 'delivered')
);
-- What is due, what came first of a subject, what is being sent.
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_order_idx ON webhook_deliveries (webhook_id, subject, position, id) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_locked_idx ON webhook_deliveries (webhook_id) WHERE locked_until IS NOT NULL;
-- The lists of a webhook, and what is old.
CREATE INDEX webhook_deliveries_created_idx ON webhook_deliveries (webhook_id, created_at, id);
CREATE INDEX webhook_deliveries_state_idx ON webhook_deliveries (webhook_id, state, created_at, id);
CREATE INDEX webhook_deliveries_old_idx ON webhook_deliveries (created_at) WHERE state <> 'waiting';

-- What the server keeps for itself, the position and since when requests fail, has no event. A new secret has one without it.
CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE OF version ON webhooks
    FOR EACH ROW EXECUTE FUNCTION record_change('webhook', '{id}',
        '{url,description,event_types,unit_ids,category_ids,api_version,owner_id,active,ended_reason}', '');

-- The notice that a webhook ended.
DO $$
DECLARE
    known text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conname = 'messages_kind_check' AND conrelid = 'messages'::regclass);
BEGIN
    ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
    EXECUTE 'ALTER TABLE messages ADD CONSTRAINT messages_kind_check '
        || replace(known, 'ARRAY[', 'ARRAY[''webhook_ended''::text, ');
END $$;
ALTER TABLE messages DROP CONSTRAINT messages_about;
ALTER TABLE messages ADD CONSTRAINT messages_about CHECK (
    num_nonnulls(ticket_id, improvement_action_id)
        = CASE WHEN kind IN ('password_reset', 'invitation', 'email_changed', 'password_changed', 'webhook_ended')
            THEN 0 ELSE 1 END);
