DROP TABLE access_grants;
DROP FUNCTION access_grants_keep();
DROP FUNCTION access_grants_of_ticket();
ALTER TABLE categories DROP COLUMN records_access_grants;
