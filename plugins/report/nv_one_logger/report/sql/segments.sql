-- The time of each cell (one rank in one attempt), cut wherever anything begins or ends, each piece with its bucket.
-- Every span counts up at its start and down at its end, by class; a running sum says what is open in between.
-- :first and :last limit the cells, so that memory does not grow with their number.
WITH intervals AS (
    SELECT
        r.cell,
        -- Class 11: an iteration that ended in an error, or in which the process ended.
        CASE WHEN k.class = 10 AND NOT k.is_loop AND NOT s.is_successful AND (s.stop_us IS NOT NULL OR c.is_lost)
             THEN 11 ELSE k.class END AS class,
        GREATEST(s.start_us, c.from_us) AS start_us,
        LEAST(COALESCE(s.stop_us, r.last_us), c.to_us) AS stop_us
    FROM spans s
    JOIN runs r ON r.process = s.process
    JOIN cells c ON c.cell = r.cell
    JOIN span_kinds k ON k.name = s.name
    WHERE r.cell BETWEEN :first AND :last
      AND NOT (k.is_loop AND r.has_iterations)
),
steps AS (
    SELECT cell, start_us AS at_us, class, 1 AS step FROM intervals WHERE start_us < stop_us
    UNION ALL
    SELECT cell, stop_us, class, -1 FROM intervals WHERE start_us < stop_us
    UNION ALL
    SELECT cell, at_us, 0, 0 FROM cuts WHERE cell BETWEEN :first AND :last
),
moments AS (
    SELECT
        cell,
        at_us,
        SUM(CASE WHEN class = 1 THEN step ELSE 0 END) AS s1,
        SUM(CASE WHEN class = 2 THEN step ELSE 0 END) AS s2,
        SUM(CASE WHEN class = 3 THEN step ELSE 0 END) AS s3,
        SUM(CASE WHEN class = 4 THEN step ELSE 0 END) AS s4,
        SUM(CASE WHEN class = 5 THEN step ELSE 0 END) AS s5,
        SUM(CASE WHEN class = 6 THEN step ELSE 0 END) AS s6,
        SUM(CASE WHEN class = 7 THEN step ELSE 0 END) AS s7,
        SUM(CASE WHEN class = 8 THEN step ELSE 0 END) AS s8,
        SUM(CASE WHEN class = 9 THEN step ELSE 0 END) AS s9,
        SUM(CASE WHEN class = 10 THEN step ELSE 0 END) AS s10,
        SUM(CASE WHEN class = 11 THEN step ELSE 0 END) AS s11
    FROM steps
    GROUP BY cell, at_us
),
pieces AS (
    SELECT
        cell,
        at_us AS start_us,
        LEAD(at_us) OVER (PARTITION BY cell ORDER BY at_us) AS stop_us,
        SUM(s1) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n1,
        SUM(s2) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n2,
        SUM(s3) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n3,
        SUM(s4) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n4,
        SUM(s5) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n5,
        SUM(s6) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n6,
        SUM(s7) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n7,
        SUM(s8) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n8,
        SUM(s9) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n9,
        SUM(s10) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n10,
        SUM(s11) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS n11
    FROM moments
)
SELECT
    p.cell,
    p.start_us,
    p.stop_us,
    CASE
        WHEN p.start_us >= c.alive_to_us AND c.is_lost THEN 'lost_rank'
        WHEN p.start_us >= c.alive_to_us THEN 'idle'
        WHEN p.n1 > 0 THEN 'checkpoint_save'
        WHEN p.n2 > 0 THEN 'checkpoint_load'
        WHEN p.n3 > 0 THEN 'validation'
        WHEN p.n4 > 0 THEN 'testing'
        WHEN p.n5 > 0 THEN 'model_init'
        WHEN p.n6 > 0 THEN 'optimizer_init'
        WHEN p.n7 > 0 THEN 'data_loader_init'
        WHEN p.n8 > 0 THEN 'distributed_init'
        WHEN p.n9 > 0 THEN 'data_wait'
        WHEN p.n11 > 0 THEN 'lost_iterations'
        WHEN p.n10 > 0 AND c.lost_from_us <= p.start_us THEN 'lost_iterations'
        WHEN p.n10 > 0 THEN 'training'
        WHEN p.start_us < c.known_from_us THEN 'start_up'
        ELSE 'idle'
    END AS bucket
FROM pieces p
JOIN cells c ON c.cell = p.cell
WHERE p.stop_us IS NOT NULL
