// ret to an unmapped address: SIGSEGV, SEGV_MAPERR, RIP and address are the target's; rsp is already past it.
// sigaction(2).
#include "death.inc"
        DEATH
        mov     ebx, 0x20000123
        push    rbx
        FAULT
        ret
        END
