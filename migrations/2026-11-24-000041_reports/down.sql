DROP TABLE quarterly_report_files;
DROP TABLE quarterly_reports;
DROP FUNCTION quarterly_reports_keep();
