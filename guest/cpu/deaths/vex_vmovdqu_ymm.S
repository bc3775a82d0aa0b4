// vmovdqu ymm (VEX.256) runs on a CPU with AVX; on one without, #UD: SIGILL, ILL_ILLOPN at the instruction, before
// it does anything. SDM vol. 2B, MOVDQU.
#include "death.inc"
        DEATH
        FAULT
        vmovdqu ymm0, [scratch]
        END
