ALTER INDEX articles_search_idx RESET (fastupdate);
ALTER INDEX articles_public_search_idx RESET (fastupdate);
DROP FUNCTION search_near;
DROP FUNCTION search_known;
DROP FUNCTION search_neighbours;
