// Calling into the middle of an entry of the vsyscall page (--x): SIGSEGV, SI_KERNEL, RIP there.
// arch/x86/entry/vsyscall/vsyscall_64.c, addr_to_vsyscall_nr.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600401
        FAULT
        call    rbx
        END
