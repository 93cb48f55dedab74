DROP TABLE job_operations;
DROP TABLE jobs;
