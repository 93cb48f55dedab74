DROP TABLE attachments;
DROP TRIGGER tickets_search_new ON tickets;
DROP TRIGGER tickets_search_changed ON tickets;
DROP FUNCTION tickets_search;
DROP INDEX tickets_search_idx;
DROP TABLE article_revisions;
DROP TABLE articles;
DROP FUNCTION articles_search;
DROP TEXT SEARCH CONFIGURATION mesa_spanish;
