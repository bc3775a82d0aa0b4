// idiv of the most negative number by -1: SIGFPE, FPE_INTDIV. SDM vol. 2A, IDIV.
#include "death.inc"
        DEATH
        mov     eax, 0x80000000
        cdq
        mov     ecx, -1
        FAULT
        idiv    ecx
        END
