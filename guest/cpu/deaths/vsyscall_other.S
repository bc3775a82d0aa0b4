// Calling any other address of the vsyscall page (--x): SIGSEGV, SI_KERNEL, RIP there.
// arch/x86/entry/vsyscall/vsyscall_64.c, addr_to_vsyscall_nr.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600100
        FAULT
        call    rbx
        END
