// andn is VEX-coded though it touches general registers only (BMI1). It runs on a CPU with AVX; on one without, #UD:
// SIGILL, ILL_ILLOPN at the instruction, before it does anything. SDM vol. 2A, ANDN.
#include "death.inc"
        DEATH
        FAULT
        andn    eax, ebx, ecx
        END
