// jmp to a non-canonical address: #GP: SIGSEGV, SI_KERNEL, address 0. SDM vol. 1, 3.3.7.1. Where RIP points is the
// processor maker's: at jmp on Intel, at the target on some AMD.
#include "death.inc"
        DEATH
        movabs  rbx, 0x0000800000000000
        FAULT
        jmp     rbx
        END
