// A lock prefix on an instruction that cannot have one: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's.
// SDM vol. 2A, LOCK.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xf0, 0x90
        END
