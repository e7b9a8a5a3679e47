-- What each step was like over its ranks; of an even number of ranks the lower one in the middle. :every thins the steps.
SELECT
    attempt, step,
    COUNT(*) AS ranks,
    SUM(own_us) AS sum_us,
    MAX(own_us) AS longest_us,
    PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY own_us) AS median_us
FROM own
WHERE MOD(step, :every) = 0
GROUP BY attempt, step
HAVING COUNT(*) > 1
