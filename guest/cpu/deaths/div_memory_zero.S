// div by a zero in memory: SIGFPE, FPE_INTDIV; the read itself is right. SDM vol. 2A, DIV.
#include "death.inc"
        DEATH
        xor     edx, edx
        FAULT
        div     qword ptr [stack_top]
        END
