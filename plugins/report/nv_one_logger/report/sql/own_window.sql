-- Length of all iterations of a window, where single ones are not recorded by two ranks.
SELECT attempt, rank, iteration AS step, length_us * iterations AS own_us
FROM window_steps
