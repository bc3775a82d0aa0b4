// wrmsr of EFER at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM
// vol. 2D, WRMSR.
#include "death.inc"
        DEATH
        mov     ecx, 0xc0000080
        mov     eax, 0xd01
        xor     edx, edx
        FAULT
        wrmsr
        END
