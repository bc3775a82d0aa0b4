// Reading address 0: SIGSEGV, SEGV_MAPERR, address 0. sigaction(2).
#include "death.inc"
        DEATH
        xor     ebx, ebx
        FAULT
        mov     eax, [rbx]
        END
