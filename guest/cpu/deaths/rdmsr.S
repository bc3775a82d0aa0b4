// rdmsr of EFER at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM
// vol. 2B, RDMSR.
#include "death.inc"
        DEATH
        mov     ecx, 0xc0000080
        FAULT
        rdmsr
        END
