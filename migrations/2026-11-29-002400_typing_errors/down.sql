DROP FUNCTION search_near;
DROP FUNCTION search_known;
DROP FUNCTION search_neighbours;
