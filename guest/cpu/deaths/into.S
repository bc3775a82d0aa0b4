// into does not exist in 64-bit mode: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2A, INTO.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xce
        END
