// vaddps zmm (EVEX) runs on a CPU with AVX-512; on one without, #UD: SIGILL, ILL_ILLOPN. SDM vol. 2A, 2.7.
#include "death.inc"
        DEATH
        FAULT
        vaddps  zmm0, zmm1, zmm2
        END
