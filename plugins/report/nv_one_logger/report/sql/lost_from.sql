-- Where the time of lost iterations begins, by process: at the first iteration that was done again (its number is
-- resume_at of the run), or, where single iterations are not recorded, between the moments at which the process is known to
-- have finished a number of iterations.
WITH points AS (
    SELECT w.process, w.time_us, w.iteration
    FROM windows w
    UNION ALL
    SELECT s.process, s.start_us, s.iteration - 1
    FROM spans s
    WHERE (s.name LIKE 'checkpoint_save%' AND s.iteration IS NOT NULL) OR s.name = 'training_loop'
)
SELECT
    r.process,
    (SELECT MIN(s.start_us) FROM spans s
     WHERE s.process = r.process AND s.name = 'training_single_iteration' AND s.iteration >= r.resume_at) AS begun_us,
    (SELECT MAX(p.iteration) FROM points p WHERE p.process = r.process AND p.iteration < r.resume_at) AS below,
    (SELECT MAX(p.time_us) FROM points p WHERE p.process = r.process AND p.iteration < r.resume_at) AS below_us,
    (SELECT MIN(p.iteration) FROM points p WHERE p.process = r.process AND p.iteration >= r.resume_at - 1) AS above,
    (SELECT MIN(p.time_us) FROM points p WHERE p.process = r.process AND p.iteration >= r.resume_at - 1) AS above_us
FROM runs r
WHERE r.resume_at IS NOT NULL
