// outsb from readable memory: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself.
// SDM vol. 2B, OUTS.
#include "death.inc"
        DEATH
        mov     edx, 0x3f8
        mov     esi, OFFSET scratch
        FAULT
        outsb
        END
