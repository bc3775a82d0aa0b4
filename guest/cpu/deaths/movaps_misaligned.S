// movaps from an address not divisible by 16: #GP: SIGSEGV, SI_KERNEL, address 0. SDM vol. 2B, MOVAPS.
#include "death.inc"
        DEATH
        FAULT
        movaps  xmm0, [scratch + 1]
        END
