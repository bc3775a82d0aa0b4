// Loading DS with a selector beyond the GDT: #GP, which Linux turns into SIGSEGV, SI_KERNEL. SDM vol. 2B, MOV.
#include "death.inc"
        DEATH
        mov     eax, 0xfffb
        FAULT
        mov     ds, eax
        END
