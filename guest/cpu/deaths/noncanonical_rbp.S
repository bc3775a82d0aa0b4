// A non-canonical address with base rbp: #SS, which Linux turns into SIGBUS, SI_KERNEL, address 0. SDM vol. 3A,
// 6.15, interrupt 12.
#include "death.inc"
        DEATH
        movabs  rbp, 0x0000800000000000
        FAULT
        mov     rax, [rbp + 8]
        END
