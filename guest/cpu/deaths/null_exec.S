// Jumping to address 0: SIGSEGV, SEGV_MAPERR, RIP and address 0. sigaction(2).
#include "death.inc"
        DEATH
        xor     ebx, ebx
        FAULT
        jmp     rbx
        END
