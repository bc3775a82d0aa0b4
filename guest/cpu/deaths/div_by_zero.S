// div by zero: SIGFPE, FPE_INTDIV, the address is the instruction's; rax and rdx stay. SDM vol. 2A, DIV.
#include "death.inc"
        DEATH
        xor     ecx, ecx
        xor     edx, edx
        FAULT
        div     ecx
        END
