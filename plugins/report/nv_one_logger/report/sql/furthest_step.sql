-- The step in which a rank was furthest behind the median.
SELECT o.step
FROM own o
JOIN step_medians m ON m.attempt = o.attempt AND m.step = o.step
WHERE o.rank = :rank
ORDER BY o.own_us - m.median_us DESC, o.step
FETCH FIRST 1 ROWS ONLY
