-- The length of each bucket, by cell.
SELECT cell, bucket, SUM(stop_us - start_us)
FROM segments
GROUP BY cell, bucket
ORDER BY cell, bucket
