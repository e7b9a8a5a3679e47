-- The pieces of each cell for a picture: long ones as they are, neighbouring short ones of the same pixel (:pixel_us) put
-- together under the bucket that most of their time belongs to.
WITH ordered AS (
    SELECT
        cell, start_us, stop_us, bucket,
        CASE WHEN stop_us - start_us >= :pixel_us THEN 1 ELSE 0 END AS is_long,
        LAG(bucket) OVER (PARTITION BY cell ORDER BY start_us) AS bucket_before,
        LAG(stop_us - start_us) OVER (PARTITION BY cell ORDER BY start_us) AS length_before
    FROM segments
),
numbered AS (
    SELECT
        cell, start_us, stop_us, bucket,
        SUM(CASE WHEN is_long = 1 OR length_before >= :pixel_us OR bucket_before IS NULL THEN 1 ELSE 0 END)
            OVER (PARTITION BY cell ORDER BY start_us ROWS UNBOUNDED PRECEDING) AS stretch,
        CASE WHEN is_long = 1 THEN 0 ELSE FLOOR((start_us - :origin_us) / CAST(:pixel_us AS DOUBLE PRECISION)) END AS pixel
    FROM ordered
),
shares AS (
    SELECT cell, stretch, pixel, bucket, MIN(start_us) AS start_us, MAX(stop_us) AS stop_us,
           SUM(stop_us - start_us) AS length_us
    FROM numbered
    GROUP BY cell, stretch, pixel, bucket
),
ranked AS (
    SELECT
        cell, bucket,
        MIN(start_us) OVER (PARTITION BY cell, stretch, pixel) AS start_us,
        MAX(stop_us) OVER (PARTITION BY cell, stretch, pixel) AS stop_us,
        ROW_NUMBER() OVER (PARTITION BY cell, stretch, pixel ORDER BY length_us DESC, bucket) AS place
    FROM shares
)
SELECT cell, bucket, start_us, stop_us
FROM ranked
WHERE place = 1
ORDER BY cell, start_us
