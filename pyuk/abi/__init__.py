"""Linux's words: numbers, flags, structs, and how a system call is declared. Pure data, no machine, no host."""
