// Jumping into the kernel's half: SIGSEGV, SEGV_MAPERR with that address and RIP. sigaction(2).
#include "death.inc"
        DEATH
        movabs  rbx, 0xffffffff81000000
        FAULT
        jmp     rbx
        END
