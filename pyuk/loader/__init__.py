"""What execve(2) does with a file: `#!` lines, ELF headers, mappings, the initial stack."""
