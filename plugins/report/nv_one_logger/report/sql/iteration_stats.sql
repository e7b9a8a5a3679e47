-- What the lengths of iterations are like, by rank. The slope is that of least squares.
WITH stats AS (
    SELECT
        rank,
        SUM(iterations) AS iterations,
        COUNT(*) AS samples,
        SUM(CAST(length_us AS DOUBLE PRECISION) * iterations) / SUM(iterations) AS mean_us,
        PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY length_us) AS median_us,
        PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY length_us) AS p90_us,
        PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY length_us) AS p99_us,
        MAX(length_us) AS slowest_us,
        REGR_SLOPE(length_us, iteration) AS slope,
        MAX(CASE WHEN is_estimated THEN 1 ELSE 0 END) AS is_estimated
    FROM lengths
    GROUP BY rank
)
SELECT
    s.rank, s.iterations, s.samples, s.mean_us, s.median_us, s.p90_us, s.p99_us, s.slowest_us,
    (SELECT MIN(l.iteration) FROM lengths l WHERE l.rank = s.rank AND l.length_us = s.slowest_us),
    s.slope, s.is_estimated
FROM stats s
ORDER BY s.rank
