// vpshufb xmm in the three-byte form (C4) runs on a CPU with AVX; on one without, #UD: SIGILL, ILL_ILLOPN at the
// instruction, before it does anything. SDM vol. 2B, PSHUFB.
#include "death.inc"
        DEATH
        FAULT
        vpshufb xmm0, xmm1, xmm2
        END
