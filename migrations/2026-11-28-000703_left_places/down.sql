ALTER TABLE anonymizations DROP COLUMN left_places;
