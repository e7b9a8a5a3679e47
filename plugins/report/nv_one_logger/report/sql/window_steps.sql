-- Mean length of the iterations between two training_metrics_update events, which tell sums from the start of the training loop.
WITH told AS (
    SELECT
        r.attempt, r.rank, r.has_iterations, w.iteration, w.time_us, w.num_iterations, w.total_us,
        LAG(w.num_iterations, 1, 0) OVER (PARTITION BY w.process ORDER BY w.time_us, w.num_iterations) AS done_before,
        LAG(w.total_us, 1, 0) OVER (PARTITION BY w.process ORDER BY w.time_us, w.num_iterations) AS total_before
    FROM windows w
    JOIN runs r ON r.process = w.process
),
fresh AS (
    -- A number that does not grow is of another training loop, whose sums start anew.
    SELECT
        attempt, rank, has_iterations, iteration, time_us, num_iterations, total_us,
        CASE WHEN num_iterations > done_before AND total_us >= total_before THEN done_before ELSE 0 END AS done_before,
        CASE WHEN num_iterations > done_before AND total_us >= total_before THEN total_before ELSE 0 END AS total_before
    FROM told
)
SELECT
    attempt, rank, has_iterations, iteration, time_us,
    num_iterations - done_before AS iterations,
    CAST((total_us - total_before) / (num_iterations - done_before) AS BIGINT) AS length_us
FROM fresh
WHERE num_iterations > done_before
