-- What each process of the session did: the first span that says more than "application", how many spans the ledger has
-- to look at, and the last iteration that it is known to have finished.
WITH known AS (
    SELECT
        s.process,
        MIN(s.start_us) AS known_from_us,
        COUNT(*) AS spans,
        MAX(CASE WHEN s.name = 'training_single_iteration' AND s.is_successful THEN s.iteration END)
            AS last_recorded,
        MAX(CASE WHEN s.name LIKE 'checkpoint_save%' THEN s.iteration - 1 END) AS last_saved
    FROM spans s
    JOIN runs r ON r.process = s.process
    WHERE s.name IN (SELECT name FROM span_kinds)
    GROUP BY s.process
),
told AS (
    SELECT w.process, MAX(w.iteration) AS last_told, MAX(w.num_iterations) AS done
    FROM windows w
    JOIN runs r ON r.process = w.process
    GROUP BY w.process
)
SELECT r.process, k.known_from_us, COALESCE(k.spans, 0), k.last_recorded, k.last_saved, t.last_told, t.done
FROM runs r
LEFT JOIN known k ON k.process = r.process
LEFT JOIN told t ON t.process = r.process
ORDER BY r.process
