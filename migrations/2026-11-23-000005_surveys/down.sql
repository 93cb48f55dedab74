DROP FUNCTION minutes(timestamptz, timestamptz);
DROP TABLE surveys;
DROP FUNCTION surveys_keep;
