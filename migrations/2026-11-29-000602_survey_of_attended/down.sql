DROP TRIGGER surveys_of_others ON surveys;
DROP FUNCTION surveys_of_others();
DROP FUNCTION attended_ticket(bigint, uuid);
