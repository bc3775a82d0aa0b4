// push es (06) does not exist in 64-bit mode: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol.
// 2B, PUSH.
#include "death.inc"
        DEATH
        FAULT
        .byte   0x06
        END
