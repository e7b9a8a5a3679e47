-- Errors of one type whose messages differ only in numbers, the most frequent first.
SELECT e.type, e.pattern, COUNT(*) AS errors, MIN(e.time_us) AS first_us, MAX(e.time_us)
FROM errors e
JOIN runs r ON r.process = e.process
GROUP BY e.type, e.pattern
ORDER BY errors DESC, first_us, e.type, e.pattern
FETCH FIRST 100 ROWS ONLY
