// A lock prefix with a register destination: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2A,
// LOCK.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xf0, 0x01, 0xc0      // lock add eax, eax
        END
