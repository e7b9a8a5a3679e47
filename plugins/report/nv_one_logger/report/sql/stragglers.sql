-- Each rank held against the median of its step. :ratio and :margin_us say when it is slow, :far_ratio and :far_us when very
-- much so. The others wait for the slowest.
WITH compared AS (
    SELECT
        o.rank, o.attempt, o.step, o.own_us, m.median_us,
        CASE WHEN o.own_us >= m.median_us * :ratio + :margin_us THEN 1 ELSE 0 END AS is_slow,
        CASE WHEN o.own_us >= m.median_us * :far_ratio + :far_us THEN 1 ELSE 0 END AS is_far,
        CASE WHEN o.own_us = m.longest_us THEN m.ranks * CAST(o.own_us AS DOUBLE PRECISION) - m.sum_us
             ELSE 0 END AS waited_us
    FROM own o
    JOIN step_medians m ON m.attempt = o.attempt AND m.step = o.step
)
SELECT
    rank,
    COUNT(*),
    SUM(is_slow),
    SUM(is_far),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY own_us),
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY median_us),
    SUM(is_slow * waited_us),
    SUM(is_far * waited_us),
    MAX(own_us - median_us),
    SUM(own_us)
FROM compared
GROUP BY rank
ORDER BY rank
