-- The length of iterations: of single ones where they are recorded, else of the mean one of a window.
SELECT attempt, rank, iteration, stop_us AS time_us, length_us, 1 AS iterations, FALSE AS is_estimated
FROM steps
UNION ALL
SELECT attempt, rank, iteration, time_us, length_us, iterations, TRUE
FROM window_steps
WHERE NOT has_iterations
