// div with a quotient that does not fit: SIGFPE, FPE_INTDIV too. SDM vol. 2A, DIV.
#include "death.inc"
        DEATH
        mov     ecx, 1
        mov     edx, 1
        FAULT
        div     rcx
        END
