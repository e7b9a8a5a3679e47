-- What the lengths of iterations are like, of all ranks together; of windows only if nothing better is recorded.
WITH chosen AS (
    SELECT * FROM lengths WHERE is_estimated = :is_estimated
),
stats AS (
    SELECT
        SUM(iterations) AS iterations,
        COUNT(*) AS samples,
        SUM(CAST(length_us AS DOUBLE PRECISION) * iterations) / SUM(iterations) AS mean_us,
        PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY length_us) AS median_us,
        PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY length_us) AS p90_us,
        PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY length_us) AS p99_us,
        MAX(length_us) AS slowest_us,
        REGR_SLOPE(length_us, iteration) AS slope
    FROM chosen
)
SELECT
    s.iterations, s.samples, s.mean_us, s.median_us, s.p90_us, s.p99_us, s.slowest_us,
    (SELECT MIN(c.iteration) FROM chosen c WHERE c.length_us = s.slowest_us),
    s.slope
FROM stats s
