-- Iterations finished in each stretch of :stretch_us from :origin_us on, by the rank that is looked at.
WITH placed AS (
    SELECT
        CAST(FLOOR((time_us - :origin_us) / CAST(:stretch_us AS DOUBLE PRECISION)) AS BIGINT) AS stretch,
        iterations,
        iteration
    FROM lengths
    WHERE rank = :rank
)
SELECT stretch, SUM(iterations), MAX(iteration)
FROM placed
GROUP BY stretch
ORDER BY stretch
