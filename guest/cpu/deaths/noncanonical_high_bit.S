// An address with bit 63 set over a mapped one must not reach it: #GP: SIGSEGV, SI_KERNEL, address 0. SDM vol. 1,
// 3.3.7.1.
#include "death.inc"
        DEATH
        mov     ebx, OFFSET scratch
        bts     rbx, 63
        FAULT
        mov     rax, [rbx]
        END
