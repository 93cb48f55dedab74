DROP INDEX surveys_comments_idx;
DROP TABLE quarterly_report_texts;
DROP FUNCTION quarterly_report_texts_keep();
