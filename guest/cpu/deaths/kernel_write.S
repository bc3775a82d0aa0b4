// Writing the kernel's half: SIGSEGV, SEGV_MAPERR with that address. sigaction(2).
#include "death.inc"
        DEATH
        movabs  rbx, 0xffffffff81000000
        FAULT
        mov     [rbx], rax
        END
