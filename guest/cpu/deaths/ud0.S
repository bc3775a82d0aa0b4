// ud0 (0F FF) with a ModR/M byte: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2B, UD.
#include "death.inc"
        DEATH
        FAULT
        .byte   0x0f, 0xff, 0xc0
        END
