-- The time of each cell (one rank in one attempt), cut wherever anything begins or ends, each piece with its bucket.
-- The spans of a class are first made not to overlap. Then each adds the weight of its class, a power of two, at its start
-- and takes it away at its end, so the running sum is a set of the classes that are open, and the highest one counts.
-- :first and :last limit the cells, so that memory does not grow with their number.
WITH intervals AS (
    SELECT
        r.cell,
        -- An iteration that ended in an error, or in which the process ended, is a class of its own.
        CASE WHEN k.weight = 1 AND NOT k.is_loop AND NOT s.is_successful AND (s.stop_us IS NOT NULL OR c.is_lost)
             THEN 2 ELSE k.weight END AS weight,
        GREATEST(s.start_us, c.from_us) AS start_us,
        LEAST(COALESCE(s.stop_us, r.last_us), c.to_us) AS stop_us
    FROM spans s
    JOIN runs r ON r.process = s.process
    JOIN cells c ON c.cell = r.cell
    JOIN span_kinds k ON k.name = s.name
    WHERE r.cell BETWEEN :first AND :last
      -- Follows from the above, and tells the engine which parts of the table to read.
      AND s.process BETWEEN :first_process AND :last_process
      AND NOT (k.is_loop AND r.has_iterations)
),
reaching AS (
    SELECT
        cell, weight, start_us, stop_us,
        MAX(stop_us) OVER (
            PARTITION BY cell, weight ORDER BY start_us ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_us
    FROM intervals
    WHERE start_us < stop_us
),
disjoint AS (
    SELECT cell, weight, GREATEST(start_us, COALESCE(reached_us, start_us)) AS start_us, stop_us
    FROM reaching
    WHERE reached_us IS NULL OR reached_us < stop_us
),
steps AS (
    SELECT cell, start_us AS at_us, weight, FALSE AS is_cut FROM disjoint
    UNION ALL
    SELECT cell, stop_us, -weight, FALSE FROM disjoint
    UNION ALL
    SELECT cell, at_us, 0, TRUE FROM cuts WHERE cell BETWEEN :first AND :last
),
moments AS (
    -- Whole numbers as floats: exact below 2^53, and quicker to sum.
    SELECT cell, at_us, SUM(CAST(weight AS DOUBLE PRECISION)) AS step
    FROM steps
    GROUP BY cell, at_us
    HAVING SUM(CAST(weight AS DOUBLE PRECISION)) <> 0 OR MAX(CASE WHEN is_cut THEN 1 ELSE 0 END) = 1
),
pieces AS (
    SELECT
        cell,
        at_us AS start_us,
        LEAD(at_us) OVER (PARTITION BY cell ORDER BY at_us) AS stop_us,
        SUM(step) OVER (PARTITION BY cell ORDER BY at_us ROWS UNBOUNDED PRECEDING) AS open_classes
    FROM moments
)
SELECT
    p.cell,
    p.start_us,
    p.stop_us,
    CASE
        WHEN p.start_us >= c.alive_to_us AND c.is_lost THEN 'lost_rank'
        WHEN p.start_us >= c.alive_to_us THEN 'idle'
        WHEN p.open_classes >= 1024 THEN 'checkpoint_save'
        WHEN p.open_classes >= 512 THEN 'checkpoint_load'
        WHEN p.open_classes >= 256 THEN 'validation'
        WHEN p.open_classes >= 128 THEN 'testing'
        WHEN p.open_classes >= 64 THEN 'model_init'
        WHEN p.open_classes >= 32 THEN 'optimizer_init'
        WHEN p.open_classes >= 16 THEN 'data_loader_init'
        WHEN p.open_classes >= 8 THEN 'distributed_init'
        WHEN p.open_classes >= 4 THEN 'data_wait'
        WHEN p.open_classes >= 2 THEN 'lost_iterations'
        WHEN p.open_classes >= 1 AND c.lost_from_us <= p.start_us THEN 'lost_iterations'
        WHEN p.open_classes >= 1 THEN 'training'
        WHEN p.start_us < c.known_from_us THEN 'start_up'
        ELSE 'idle'
    END AS bucket
FROM pieces p
JOIN cells c ON c.cell = p.cell
WHERE p.stop_us IS NOT NULL
