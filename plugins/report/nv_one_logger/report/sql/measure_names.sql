-- Which numbers were logged, and the lowest rank that logged each.
SELECT m.name, MIN(r.rank), COUNT(*)
FROM measures m
JOIN runs r ON r.process = m.process
GROUP BY m.name
ORDER BY m.name
