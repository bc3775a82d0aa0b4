// rdtscp works where CPUID has it; else #UD: SIGILL, ILL_ILLOPN. SDM vol. 2B, RDTSCP.
#include "death.inc"
        DEATH
        FAULT
        rdtscp
        xor     eax, eax
        xor     edx, edx
        xor     ecx, ecx
        END
