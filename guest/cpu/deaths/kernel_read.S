// Reading the kernel's half: SIGSEGV, SEGV_MAPERR with that address, as if nothing were mapped there. sigaction(2);
// arch/x86/mm/fault.c, sanitize_error_code.
#include "death.inc"
        DEATH
        movabs  rbx, 0xffff800000000000
        FAULT
        mov     rax, [rbx]
        END
