// Executing a page of .data: SIGSEGV, SEGV_ACCERR, RIP and address are the target's. NX; sigaction(2).
#include "death.inc"
        DEATH
        mov     ebx, OFFSET data_code
        FAULT
        jmp     rbx
        END
