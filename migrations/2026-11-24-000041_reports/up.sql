-- Reports that the director approved, as they were then: nothing changes them any more.
CREATE TABLE quarterly_reports (
    year        integer NOT NULL CHECK (year BETWEEN 2000 AND 9998),
    quarter     smallint NOT NULL CHECK (quarter BETWEEN 1 AND 4),
    approved_at timestamptz NOT NULL,
    approved_by uuid NOT NULL REFERENCES users,
    PRIMARY KEY (year, quarter)
);
CREATE TABLE quarterly_report_files (
    year    integer NOT NULL,
    quarter smallint NOT NULL,
    format  text NOT NULL CHECK (format IN ('json', 'html', 'xlsx', 'pdf')),
    content bytea NOT NULL CHECK (length(content) > 0),
    sha256  bytea NOT NULL GENERATED ALWAYS AS (sha256(content)) STORED,
    PRIMARY KEY (year, quarter, format),
    FOREIGN KEY (year, quarter) REFERENCES quarterly_reports
);

CREATE FUNCTION quarterly_reports_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an approved report cannot be changed';
END $$;
CREATE TRIGGER quarterly_reports_keep BEFORE UPDATE OR DELETE ON quarterly_reports
    FOR EACH ROW EXECUTE FUNCTION quarterly_reports_keep();
CREATE TRIGGER quarterly_reports_keep_all BEFORE TRUNCATE ON quarterly_reports
    FOR EACH STATEMENT EXECUTE FUNCTION quarterly_reports_keep();
CREATE TRIGGER quarterly_report_files_keep BEFORE UPDATE OR DELETE ON quarterly_report_files
    FOR EACH ROW EXECUTE FUNCTION quarterly_reports_keep();
CREATE TRIGGER quarterly_report_files_keep_all BEFORE TRUNCATE ON quarterly_report_files
    FOR EACH STATEMENT EXECUTE FUNCTION quarterly_reports_keep();
