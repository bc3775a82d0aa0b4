// Executing a byte on the process's own stack, which no executable-stack mark made executable: SIGSEGV, SEGV_ACCERR,
// RIP and address are the stack's. execve(2), elf(5) PT_GNU_STACK.
#include "death.inc"
        DEATH
        FAULT
        jmp     qword ptr [entry_rsp]
        END
