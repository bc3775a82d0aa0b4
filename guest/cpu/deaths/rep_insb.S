// rep insb with a count of 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself.
// rcx stays 3. SDM vol. 2A, INS.
#include "death.inc"
        DEATH
        mov     edx, 0x3f8
        mov     edi, OFFSET scratch
        mov     ecx, 3
        FAULT
        rep insb
        END
