// lldt of the null selector at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction
// itself. SDM vol. 2A, LLDT.
#include "death.inc"
        DEATH
        xor     eax, eax
        FAULT
        lldt    ax
        END
