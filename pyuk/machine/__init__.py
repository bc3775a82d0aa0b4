"""The only room that knows Unicorn: RAM, page tables, the CPU."""
