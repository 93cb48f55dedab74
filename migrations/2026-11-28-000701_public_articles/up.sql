-- Requesters search the articles that they may read, and those alone: neither the plan nor the time depends on the others.
CREATE INDEX articles_public_search_idx ON articles USING gin (search)
    WHERE status = 'published' AND visibility = 'public';
