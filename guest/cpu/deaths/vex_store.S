// vmovups to memory runs on a CPU with AVX; on one without, #UD: SIGILL, ILL_ILLOPN at the instruction, before it
// does anything. SDM vol. 2B, MOVUPS. Memory must not change on a CPU without AVX.
#include "death.inc"
        DEATH
        FAULT
        vmovups [scratch], xmm0
        END
