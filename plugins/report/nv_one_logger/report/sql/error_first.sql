-- Message and traceback of the first of one group of errors.
SELECT e.message, e.traceback
FROM errors e
JOIN runs r ON r.process = e.process
WHERE e.type = :type AND e.pattern = :pattern
ORDER BY e.time_us, r.rank
FETCH FIRST 1 ROWS ONLY
