// Calling address 0: SIGSEGV, SEGV_MAPERR, RIP and address 0; the return address has been pushed. sigaction(2).
#include "death.inc"
        DEATH
        xor     ebx, ebx
        FAULT
        call    rbx
        END
