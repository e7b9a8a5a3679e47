-- The ranks of one group of errors.
SELECT DISTINCT r.rank
FROM errors e
JOIN runs r ON r.process = e.process
WHERE e.type = :type AND e.pattern = :pattern
ORDER BY r.rank
