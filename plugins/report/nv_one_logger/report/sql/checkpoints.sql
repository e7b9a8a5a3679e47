-- Checkpoints saved and loaded. A save is successful if its own span, or an event of the process about the same iteration,
-- says so.
SELECT
    CASE WHEN s.name = 'checkpoint_load' THEN 'load' ELSE 'save' END,
    r.attempt, r.rank, s.iteration, s.start_us, s.stop_us,
    s.is_successful OR EXISTS (
        SELECT 1 FROM events e
        WHERE e.process = s.process AND e.name = 'save_checkpoint_success' AND e.iteration = s.iteration
    )
FROM spans s
JOIN runs r ON r.process = s.process
WHERE s.name = 'checkpoint_load' OR s.name LIKE 'checkpoint_save%'
ORDER BY s.start_us, r.rank
