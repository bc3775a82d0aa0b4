// An unmasked SSE zero divide raises #XM: SIGFPE, FPE_FLTDIV, at the dividing instruction. SDM vol. 1, 11.5.
#include "death.inc"
        DEATH
        push    0x1d80                  // MXCSR with ZM clear
        ldmxcsr [rsp]
        mov     eax, 0x3f800000
        movd    xmm0, eax
        xorps   xmm1, xmm1
        FAULT
        divss   xmm0, xmm1
        END
