-- Iterations finished in each stretch of :stretch_us from :origin_us on, by the rank that is looked at.
SELECT
    CAST(FLOOR((time_us - :origin_us) / CAST(:stretch_us AS DOUBLE PRECISION)) AS BIGINT) AS stretch,
    SUM(iterations),
    MAX(iteration)
FROM lengths
WHERE rank = :rank
GROUP BY 1
ORDER BY 1
