// monitor at CPL 3: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2B, MONITOR (#UD if CPL is
// not 0).
#include "death.inc"
        DEATH
        mov     eax, OFFSET scratch
        xor     ecx, ecx
        xor     edx, edx
        FAULT
        monitor
        END
