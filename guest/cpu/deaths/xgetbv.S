// xgetbv of XCR0 works when CR4.OSXSAVE is set, which CPUID tells; else #UD: SIGILL, ILL_ILLOPN. SDM vol. 2D,
// XGETBV.
#include "death.inc"
        DEATH
        xor     ecx, ecx
        FAULT
        xgetbv
        xor     eax, eax
        xor     edx, edx
        END
