-- What the author of a quarterly report writes before its approval: analysis, proposed actions, author and positions.
CREATE TABLE quarterly_report_texts (
    year              integer NOT NULL CHECK (year BETWEEN 2000 AND 9998),
    quarter           smallint NOT NULL CHECK (quarter BETWEEN 1 AND 4),
    analysis          text CHECK (length(analysis) BETWEEN 1 AND 10000),
    proposals         text CHECK (length(proposals) BETWEEN 1 AND 10000),
    author_id         uuid REFERENCES users,
    author_position   text CHECK (length(author_position) BETWEEN 1 AND 200),
    approver_position text CHECK (length(approver_position) BETWEEN 1 AND 200),
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (year, quarter)
);
CREATE INDEX quarterly_report_texts_author_idx ON quarterly_report_texts (author_id) WHERE author_id IS NOT NULL;

-- An approved report is stored as files: its texts stay as they are in them.
CREATE FUNCTION quarterly_report_texts_keep() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kept record := coalesce(OLD, NEW);
BEGIN
    IF EXISTS (SELECT FROM quarterly_reports r WHERE r.year = kept.year AND r.quarter = kept.quarter) THEN
        RAISE EXCEPTION 'the texts of an approved report cannot be changed';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER quarterly_report_texts_keep BEFORE INSERT OR UPDATE OR DELETE ON quarterly_report_texts
    FOR EACH ROW EXECUTE FUNCTION quarterly_report_texts_keep();

CALL audit_table('quarterly_report_texts', 'quarterly_report', 'year,quarter');
-- The comments of a quarter.
CREATE INDEX surveys_comments_idx ON surveys (answered_at) WHERE comment IS NOT NULL;
