-- What could not be read, or is missing, in files.
SELECT path, records, missing, corrupt_lines, torn_lines, error
FROM files
ORDER BY path
