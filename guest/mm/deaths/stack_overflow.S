// Endless recursion ends at RLIMIT_STACK (8 MiB): SIGSEGV, SEGV_MAPERR, at a call whose push did not fit any more.
// setrlimit(2).
        .intel_syntax noprefix
        .text
        .globl  _start, fault
_start:
fault:
        call    fault
