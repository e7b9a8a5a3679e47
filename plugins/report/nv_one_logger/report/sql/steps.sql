-- Training iterations that were recorded one by one and did not end in an error.
SELECT r.attempt, r.rank, s.iteration, s.start_us, s.stop_us, s.stop_us - s.start_us AS length_us
FROM spans s
JOIN runs r ON r.process = s.process
WHERE s.name = 'training_single_iteration' AND s.stop_us IS NOT NULL AND s.is_successful
