-- How far apart the ranks end a step (median over the steps), the usual length, and how many ranks recorded steps.
WITH ends AS (
    SELECT attempt, iteration, MAX(stop_us) - MIN(stop_us) AS spread_us
    FROM steps
    GROUP BY attempt, iteration
    HAVING COUNT(*) > 1
)
SELECT
    (SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY spread_us) FROM ends),
    (SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY length_us) FROM steps),
    (SELECT COUNT(DISTINCT rank) FROM steps)
