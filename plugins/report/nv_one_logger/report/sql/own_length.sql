-- Length of each step as the time of own work; for steps whose ranks do not wait for each other.
SELECT attempt, rank, iteration AS step, length_us AS own_us
FROM steps
WHERE iteration IS NOT NULL
