// Loading SS with the null selector at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL. SDM vol. 2B, MOV.
#include "death.inc"
        DEATH
        xor     eax, eax
        FAULT
        mov     ss, eax
        END
