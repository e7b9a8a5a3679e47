-- How much later than the first rank each began a step, on top of the usual length (:length_us); for steps that end on all
-- ranks together.
WITH begun AS (
    SELECT attempt, rank, iteration, MIN(start_us) AS start_us
    FROM steps
    WHERE iteration IS NOT NULL
    GROUP BY attempt, rank, iteration
)
SELECT
    attempt, rank, iteration AS step,
    :length_us + start_us - MIN(start_us) OVER (PARTITION BY attempt, iteration) AS own_us
FROM begun
