// Reading the vsyscall page (--x): SIGSEGV, SEGV_MAPERR with that address. arch/x86/entry/vsyscall/vsyscall_64.c.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600000
        FAULT
        mov     rax, [rbx]
        END
