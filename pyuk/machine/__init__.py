"""The machine: the only room that knows Unicorn. RAM and frames, page tables, the CPU and its traps."""
