"""Open files, path walks, the host's files, /proc, pipes."""
