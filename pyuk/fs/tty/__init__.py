"""Terminals: line discipline, pseudoterminals, job control, and the terminal that pyuk was started at."""
