-- The version of an approved report for those who read totals of survey answers and no single ones. Reports that were approved
-- before have none.
CREATE TABLE quarterly_report_totals_files (
    year    integer NOT NULL,
    quarter smallint NOT NULL,
    format  text NOT NULL CHECK (format IN ('json', 'html', 'xlsx', 'pdf')),
    content bytea NOT NULL CHECK (length(content) > 0),
    sha256  bytea NOT NULL GENERATED ALWAYS AS (sha256(content)) STORED,
    PRIMARY KEY (year, quarter, format),
    FOREIGN KEY (year, quarter) REFERENCES quarterly_reports
);
CREATE TRIGGER quarterly_report_totals_files_keep BEFORE UPDATE OR DELETE ON quarterly_report_totals_files
    FOR EACH ROW EXECUTE FUNCTION quarterly_reports_keep();
CREATE TRIGGER quarterly_report_totals_files_keep_all BEFORE TRUNCATE ON quarterly_report_totals_files
    FOR EACH STATEMENT EXECUTE FUNCTION quarterly_reports_keep();
