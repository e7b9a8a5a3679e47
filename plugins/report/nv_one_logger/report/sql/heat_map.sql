-- Median length by rank and column; a column is :width iterations, counted from :first_iteration.
WITH placed AS (
    SELECT
        rank,
        CAST(FLOOR((iteration - :first_iteration) / CAST(:width AS DOUBLE PRECISION)) AS BIGINT) AS place,
        length_us
    FROM lengths
    WHERE iteration IS NOT NULL
)
SELECT rank, place, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY length_us)
FROM placed
GROUP BY rank, place
ORDER BY rank, place
