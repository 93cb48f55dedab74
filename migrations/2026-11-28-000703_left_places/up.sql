-- In how many places the data of a person stay because nobody confirmed that they are such; null of what was done before.
ALTER TABLE anonymizations ADD COLUMN left_places bigint CHECK (left_places >= 0);
