// rdpmc with CR4.PCE clear: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself.
// SDM vol. 2B, RDPMC.
#include "death.inc"
        DEATH
        xor     ecx, ecx
        FAULT
        rdpmc
        END
