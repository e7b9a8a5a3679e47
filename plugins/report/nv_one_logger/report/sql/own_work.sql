-- Time that each rank worked by itself in a step, from the spans of what comes before the first collective operation.
SELECT r.attempt, r.rank, s.iteration AS step, SUM(s.stop_us - s.start_us) AS own_us
FROM spans s
JOIN runs r ON r.process = s.process
WHERE s.name IN ('data_loading', 'model_forward', 'zero_grad') AND s.stop_us IS NOT NULL AND s.iteration IS NOT NULL
GROUP BY r.attempt, r.rank, s.iteration
