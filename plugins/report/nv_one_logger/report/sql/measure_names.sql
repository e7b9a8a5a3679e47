-- Which numbers were logged, with the lowest rank that logged each, and how often it did.
WITH counted AS (
    SELECT
        m.name, r.rank, COUNT(*) AS measures,
        ROW_NUMBER() OVER (PARTITION BY m.name ORDER BY r.rank) AS place
    FROM measures m
    JOIN runs r ON r.process = m.process
    GROUP BY m.name, r.rank
)
SELECT name, rank, measures
FROM counted
WHERE place = 1
ORDER BY name
