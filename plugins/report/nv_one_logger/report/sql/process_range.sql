-- The processes of some cells.
SELECT MIN(process), MAX(process) FROM runs WHERE cell BETWEEN :first AND :last
