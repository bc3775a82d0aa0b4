// A non-canonical address with base rsp: #SS, which Linux turns into SIGBUS, SI_KERNEL, address 0. SDM vol. 3A,
// 6.15, interrupt 12; arch/x86/kernel/traps.c, exc_stack_segment.
#include "death.inc"
        DEATH
        movabs  rsp, 0x0000800000000000
        FAULT
        mov     rax, [rsp]
        END
