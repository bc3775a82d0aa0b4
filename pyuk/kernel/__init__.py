"""Tasks, signals, time and dispatch: what a kernel is beside its memory and its files."""
