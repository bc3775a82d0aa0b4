// Reading a non-canonical address: #GP: SIGSEGV, SI_KERNEL, address 0. SDM vol. 1, 3.3.7.1.
#include "death.inc"
        DEATH
        movabs  rbx, 0x0000800000000000
        FAULT
        mov     rax, [rbx]
        END
