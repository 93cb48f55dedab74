-- The steps of an article are searched: without a bound their words could be more than a text search vector takes. Articles
-- of before keep theirs until they are changed.
ALTER TABLE articles ADD CONSTRAINT articles_steps_bounded CHECK (
    jsonb_array_length(steps) <= 100
    AND NOT jsonb_path_exists(
        steps, '$[*] ? (!(@.type() == "string" && @ like_regex "^.{1,250}.{0,250}$" flag "s"))'
    )
) NOT VALID;
