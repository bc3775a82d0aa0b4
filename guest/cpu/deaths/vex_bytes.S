// Text with a VEX instruction reads as it was assembled even from the very run of code that the instruction ends:
// the C5 byte turns into an offset, and only the right byte makes a load from mapped memory. A wrong one is SIGSEGV
// instead of SIGILL (or of running on, on a CPU with AVX). SDM vol. 2A, 2.3.
#include "death.inc"
        DEATH
#ifdef PAGE_END
        movzx   eax, byte ptr [NEXT_PAGE - 3]
#else
        movzx   eax, byte ptr [.Lbody_end - 3]
#endif
        xor     eax, 0xc5
        shl     rax, 60
        or      rax, OFFSET scratch
        mov     rax, [rax]
        FAULT
        vzeroupper                              // C5 F8 77
        END
