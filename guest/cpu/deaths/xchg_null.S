// xchg with NULL (a locked read-modify-write): SIGSEGV, SEGV_MAPERR, address 0; the register stays. SDM vol. 2D,
// XCHG.
#include "death.inc"
        DEATH
        xor     ebx, ebx
        FAULT
        xchg    [rbx], rax
        END
