// vaddps xmm (VEX.128) runs on a CPU with AVX; on one without, #UD: SIGILL, ILL_ILLOPN at the instruction, before it
// does anything. SDM vol. 2A, 2.3. Unicorn alone would execute legacy SSE here, silently wrong.
#include "death.inc"
        DEATH
        FAULT
        vaddps  xmm0, xmm1, xmm2
        END
