// Running off the end of a mapped page into an unmapped one by a taken jump: SIGSEGV, SEGV_MAPERR, RIP and address
// are the target's. sigaction(2).
#include "death.inc"
        DEATH
        mov     ebx, 0x20000ffe
        FAULT
        jmp     rbx
        END
