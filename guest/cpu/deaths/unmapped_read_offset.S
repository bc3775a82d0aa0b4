// Reading unmapped memory: the address is that of the first bad byte, exactly. SIGSEGV, SEGV_MAPERR. sigaction(2).
#include "death.inc"
        DEATH
        mov     ebx, 0x20000000
        FAULT
        mov     rax, [rbx + 0x123]
        END
