-- Median length by rank and column; a column is :width iterations, counted from :first_iteration.
SELECT
    rank,
    CAST(FLOOR((iteration - :first_iteration) / CAST(:width AS DOUBLE PRECISION)) AS BIGINT) AS place,
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY length_us)
FROM lengths
WHERE iteration IS NOT NULL
GROUP BY 1, 2
ORDER BY rank, place
