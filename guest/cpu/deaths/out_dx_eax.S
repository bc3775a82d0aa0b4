// out to the port in dx: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM
// vol. 2B, OUT; ioperm(2).
#include "death.inc"
        DEATH
        mov     edx, 0x3f8
        FAULT
        out     dx, eax
        END
