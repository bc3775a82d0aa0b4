"""Guest memory: what is mapped where, what a page fault means, and the only door to a guest's bytes."""
