ALTER TABLE articles DROP CONSTRAINT articles_steps_bounded;
