-- A number over time as one rank logged it, thinned to every :every-th.
WITH numbered AS (
    SELECT m.unit, m.time_us, m.iteration, m.value,
           ROW_NUMBER() OVER (ORDER BY m.time_us, m.iteration) - 1 AS place
    FROM measures m
    JOIN runs r ON r.process = m.process
    WHERE m.name = :name AND r.rank = :rank
)
SELECT unit, time_us, iteration, value
FROM numbered
WHERE MOD(place, :every) = 0
ORDER BY time_us
