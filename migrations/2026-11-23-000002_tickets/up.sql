-- What is asked of the desk, how long it may take, and everything that is done about it.

CREATE TABLE categories (
    id               uuid PRIMARY KEY,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key         text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED,
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    required_profile text NOT NULL DEFAULT 'any' CHECK (required_profile IN ('any', 'unit_head')),
    active           boolean NOT NULL DEFAULT true,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX categories_name_key ON categories (name_key);

-- "Niveles de Atención" of the procedure: hasta 1, 2, 5 y 18 horas.
CREATE TABLE attention_times (
    criticality text PRIMARY KEY CHECK (criticality IN ('critical', 'high', 'medium', 'low')),
    minutes     integer NOT NULL CHECK (minutes BETWEEN 1 AND 525600),
    version     integer NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO attention_times (criticality, minutes)
VALUES ('critical', 60), ('high', 120), ('medium', 300), ('low', 1080);

CREATE TABLE tickets (
    id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject                text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    description            text NOT NULL CHECK (length(description) BETWEEN 1 AND 20000),
    status                 text NOT NULL DEFAULT 'received' CHECK (status IN
        ('received', 'classified', 'assigned', 'in_progress', 'escalated', 'on_hold', 'solved', 'closed', 'archived')),
    criticality            text REFERENCES attention_times,
    channel                text NOT NULL CHECK (channel IN ('api', 'web', 'email', 'phone', 'in_person')),
    support_level          smallint NOT NULL DEFAULT 1 CHECK (support_level BETWEEN 1 AND 3),
    category_id            uuid REFERENCES categories,
    -- The requester's data as they were when the ticket was registered.
    requester_id           uuid NOT NULL REFERENCES users,
    requester_full_name    text NOT NULL,
    requester_document_id  text NOT NULL,
    requester_email        text NOT NULL,
    requester_landline     text,
    requester_extension    text,
    requester_mobile       text,
    requester_unit_id      uuid NOT NULL REFERENCES units,
    requester_unit_name    text NOT NULL,
    registered_by_id       uuid NOT NULL REFERENCES users,
    assignee_id            uuid REFERENCES users,
    received_at            timestamptz NOT NULL,
    classified_at          timestamptz,
    assigned_at            timestamptz,
    accepted_at            timestamptz,
    scheduled_for          timestamptz,
    attention_due_at       timestamptz,
    first_attention_due_at timestamptz,
    attended_at            timestamptz,
    solved_at              timestamptz,
    solved_by_id           uuid REFERENCES users,
    solution               text CHECK (length(solution) BETWEEN 1 AND 20000),
    closed_at              timestamptz,
    archived_at            timestamptz,
    archive_reason         text CHECK (archive_reason IN
        ('missing_information', 'profile_not_authorized', 'duplicate', 'withdrawn')),
    archive_note           text CHECK (length(archive_note) <= 2000),
    reopened_count         integer NOT NULL DEFAULT 0,
    version                integer NOT NULL DEFAULT 1,
    updated_at             timestamptz NOT NULL,
    search                 tsvector NOT NULL,
    CHECK (coalesce(requester_landline, requester_extension, requester_mobile) IS NOT NULL),
    -- What each state is made of; a row that says otherwise cannot be written.
    CHECK (status IN ('received', 'archived') OR criticality IS NOT NULL),
    CHECK ((criticality IS NULL) = (first_attention_due_at IS NULL)),
    CHECK ((status IN ('received', 'classified', 'escalated')) <= (assignee_id IS NULL)),
    CHECK ((status IN ('assigned', 'in_progress', 'on_hold', 'solved', 'closed')) <= (assignee_id IS NOT NULL)),
    CHECK ((status IN ('in_progress', 'solved', 'closed')) <= (accepted_at IS NOT NULL)),
    CHECK ((status IN ('solved', 'closed')) = (solved_at IS NOT NULL)),
    CHECK ((solved_at IS NULL) = (solution IS NULL)),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((status = 'archived') = (archived_at IS NOT NULL)),
    CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX tickets_received_at_idx ON tickets (received_at, id);
CREATE INDEX tickets_updated_at_idx ON tickets (updated_at, id);
CREATE INDEX tickets_due_idx ON tickets ((coalesce(attention_due_at, '9999-12-31 00:00:00+00'::timestamptz)), id);
CREATE INDEX tickets_status_idx ON tickets (status, received_at, id);
CREATE INDEX tickets_requester_idx ON tickets (requester_id, received_at, id);
CREATE INDEX tickets_assignee_idx ON tickets (assignee_id, received_at, id);
CREATE INDEX tickets_category_idx ON tickets (category_id, received_at, id);
CREATE INDEX tickets_unit_idx ON tickets (requester_unit_id, received_at, id);
CREATE INDEX tickets_criticality_idx ON tickets (criticality, received_at, id);
CREATE INDEX tickets_open_work_idx ON tickets (assignee_id)
    WHERE status IN ('assigned', 'in_progress', 'on_hold');
CREATE INDEX tickets_closing_idx ON tickets (solved_at) WHERE status = 'solved';
CREATE INDEX tickets_solved_at_idx ON tickets (solved_at) WHERE solved_at IS NOT NULL;
CREATE INDEX tickets_closed_at_idx ON tickets (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX tickets_archived_at_idx ON tickets (archived_at) WHERE archived_at IS NOT NULL;

-- One attention clock a support level: an escalation starts the next.
CREATE TABLE attentions (
    ticket_id   bigint NOT NULL REFERENCES tickets,
    level       smallint NOT NULL CHECK (level BETWEEN 1 AND 3),
    started_at  timestamptz NOT NULL,
    minutes     integer NOT NULL CHECK (minutes > 0),
    due_at      timestamptz NOT NULL,
    assignee_id uuid REFERENCES users,
    assigned_at timestamptz,
    accepted_at timestamptz,
    PRIMARY KEY (ticket_id, level)
);
CREATE INDEX attentions_assignee_idx ON attentions (assignee_id);
CREATE INDEX attentions_accepted_at_idx ON attentions (accepted_at) WHERE accepted_at IS NOT NULL;

CREATE TABLE holds (
    id          uuid PRIMARY KEY,
    ticket_id   bigint NOT NULL REFERENCES tickets,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    started_at  timestamptz NOT NULL,
    started_by  uuid NOT NULL REFERENCES users,
    ended_at    timestamptz CHECK (ended_at >= started_at),
    ended_by    uuid REFERENCES users
);
CREATE UNIQUE INDEX holds_one_open_idx ON holds (ticket_id) WHERE ended_at IS NULL;
CREATE INDEX holds_ticket_idx ON holds (ticket_id, started_at);

CREATE TABLE escalations (
    id           uuid PRIMARY KEY,
    ticket_id    bigint NOT NULL REFERENCES tickets,
    from_level   smallint NOT NULL CHECK (from_level BETWEEN 1 AND 3),
    to_level     smallint NOT NULL CHECK (to_level BETWEEN 1 AND 3),
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    escalated_by uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL,
    CHECK (to_level > from_level)
);
CREATE INDEX escalations_ticket_idx ON escalations (ticket_id, created_at, id);
CREATE INDEX escalations_created_at_idx ON escalations (created_at);

-- An entry of the case. Nobody's words are changed: making a private entry public writes a public one that names it,
-- so that nothing a requester sees (ids, times) tells that it was private before.
CREATE TABLE followups (
    id             uuid PRIMARY KEY,
    ticket_id      bigint NOT NULL REFERENCES tickets,
    author_id      uuid NOT NULL REFERENCES users,
    visibility     text NOT NULL CHECK (visibility IN ('public', 'private')),
    body           text NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
    created_at     timestamptz NOT NULL,
    published_from uuid UNIQUE REFERENCES followups,
    CHECK (published_from IS NULL OR visibility = 'public')
);
CREATE INDEX followups_ticket_idx ON followups (ticket_id, created_at, id);
CREATE INDEX followups_public_idx ON followups (ticket_id, created_at, id) WHERE visibility = 'public';

CREATE FUNCTION followups_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a followup cannot be changed';
END $$;
CREATE TRIGGER followups_keep BEFORE UPDATE ON followups FOR EACH ROW EXECUTE FUNCTION followups_keep();
