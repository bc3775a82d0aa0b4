// insb to writable memory: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. The
// port is checked before the memory is written: rdi and `scratch` stay. SDM vol. 2A, INS.
#include "death.inc"
        DEATH
        mov     edx, 0x3f8
        mov     edi, OFFSET scratch
        FAULT
        insb
        END
