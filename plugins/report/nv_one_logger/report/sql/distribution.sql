-- How many iterations took how long: bins of :width_us from :low_us on, the last one (:bins) open.
WITH binned AS (
    SELECT
        CASE WHEN length_us >= :low_us + :bins * :width_us THEN :bins
             ELSE CAST(FLOOR((length_us - :low_us) / CAST(:width_us AS DOUBLE PRECISION)) AS BIGINT) END AS bin,
        iterations
    FROM lengths
    WHERE is_estimated = :is_estimated
)
SELECT bin, SUM(iterations)
FROM binned
GROUP BY bin
ORDER BY bin
