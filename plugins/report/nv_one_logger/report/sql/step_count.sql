-- How many steps there are to compare, and by how many ranks.
SELECT COUNT(DISTINCT step), COUNT(DISTINCT rank) FROM own
