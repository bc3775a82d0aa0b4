"""File systems whose files are made up as they are read: what /proc and /sys have in common."""
