// vzeroupper runs on a CPU with AVX; on one without, #UD: SIGILL, ILL_ILLOPN at the instruction, before it does
// anything. SDM vol. 2C, VZEROUPPER. (0F 77 without VEX is emms.)
#include "death.inc"
        DEATH
        FAULT
        vzeroupper
        END
