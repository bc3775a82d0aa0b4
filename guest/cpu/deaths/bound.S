// 62 is not BOUND in 64-bit mode; 62 00 is no EVEX prefix either: #UD: SIGILL, ILL_ILLOPN, the address is the
// instruction's. SDM vol. 2A, 2.7.1.
#include "death.inc"
        DEATH
        FAULT
        .byte   0x62, 0x00, 0x00, 0x00, 0x00, 0x00
        END
