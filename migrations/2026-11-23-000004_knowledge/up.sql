-- The knowledge base, its full-text search, and the files of tickets, followups and articles.

CREATE TEXT SEARCH CONFIGURATION mesa_spanish (COPY = spanish);
DO $do$
BEGIN
    EXECUTE format(
        'ALTER TEXT SEARCH CONFIGURATION mesa_spanish ALTER MAPPING FOR hword, hword_part, word WITH %s.unaccent, spanish_stem',
        (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent'));
END $do$;

CREATE TABLE articles (
    id           uuid PRIMARY KEY,
    title        text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    incident     text NOT NULL CHECK (length(incident) BETWEEN 1 AND 20000),
    resolution   text NOT NULL CHECK (length(resolution) BETWEEN 1 AND 20000),
    steps        jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(steps) = 'array'),
    "references" jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof("references") = 'array'),
    category_id  uuid REFERENCES categories,
    visibility   text NOT NULL DEFAULT 'internal' CHECK (visibility IN ('public', 'internal')),
    status       text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'retired')),
    ticket_id    bigint REFERENCES tickets,
    author_id    uuid NOT NULL REFERENCES users,
    revision     integer NOT NULL DEFAULT 1,
    published_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    search       tsvector NOT NULL,
    CHECK (status <> 'published' OR published_at IS NOT NULL)
);
CREATE INDEX articles_search_idx ON articles USING gin (search);
CREATE INDEX articles_updated_at_idx ON articles (updated_at, id);
CREATE INDEX articles_category_idx ON articles (category_id, updated_at, id);
CREATE INDEX articles_ticket_idx ON articles (ticket_id);

CREATE FUNCTION articles_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search :=
        setweight(to_tsvector('mesa_spanish', NEW.title), 'A') ||
        setweight(to_tsvector('mesa_spanish', NEW.incident), 'B') ||
        setweight(to_tsvector('mesa_spanish', NEW.resolution), 'C') ||
        setweight(jsonb_to_tsvector('mesa_spanish', NEW.steps, '["string"]'), 'D');
    RETURN NEW;
END $$;
CREATE TRIGGER articles_search BEFORE INSERT OR UPDATE ON articles
    FOR EACH ROW EXECUTE FUNCTION articles_search();

-- An article as each change left it.
CREATE TABLE article_revisions (
    article_id uuid NOT NULL REFERENCES articles,
    revision   integer NOT NULL,
    changed_by uuid NOT NULL REFERENCES users,
    changed_at timestamptz NOT NULL,
    content    jsonb NOT NULL,
    PRIMARY KEY (article_id, revision)
);

-- Tickets are found by their words as well.
CREATE INDEX tickets_search_idx ON tickets USING gin (search);
CREATE FUNCTION tickets_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search :=
        setweight(to_tsvector('mesa_spanish', NEW.subject), 'A') ||
        setweight(to_tsvector('mesa_spanish', NEW.description), 'B');
    RETURN NEW;
END $$;
CREATE TRIGGER tickets_search_new BEFORE INSERT ON tickets
    FOR EACH ROW EXECUTE FUNCTION tickets_search();
CREATE TRIGGER tickets_search_changed BEFORE UPDATE ON tickets FOR EACH ROW
    WHEN (OLD.subject <> NEW.subject OR OLD.description <> NEW.description)
    EXECUTE FUNCTION tickets_search();

-- The files themselves are in the object store under `storage_key`.
CREATE TABLE attachments (
    id           uuid PRIMARY KEY,
    ticket_id    bigint REFERENCES tickets,
    followup_id  uuid REFERENCES followups,
    article_id   uuid REFERENCES articles,
    file_name    text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
    content_type text NOT NULL,
    size         bigint NOT NULL CHECK (size > 0),
    sha256       text NOT NULL CHECK (length(sha256) = 64),
    storage_key  text NOT NULL,
    uploaded_by  uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL,
    CHECK (num_nonnulls(ticket_id, article_id) = 1),
    CHECK (followup_id IS NULL OR ticket_id IS NOT NULL)
);
CREATE INDEX attachments_ticket_idx ON attachments (ticket_id, created_at, id);
CREATE INDEX attachments_followup_idx ON attachments (followup_id, created_at, id);
CREATE INDEX attachments_article_idx ON attachments (article_id, created_at, id);
