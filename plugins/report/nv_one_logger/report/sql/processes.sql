-- All processes, in the order in which they were read.
SELECT * FROM processes ORDER BY process
