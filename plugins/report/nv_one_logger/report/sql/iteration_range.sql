-- The first and last iteration that has a length, and the most that one length stands for.
SELECT MIN(iteration), MAX(iteration), MAX(iterations), MIN(length_us)
FROM lengths
WHERE iteration IS NOT NULL
