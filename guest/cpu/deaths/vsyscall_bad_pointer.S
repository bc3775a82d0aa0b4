// time in the vsyscall page (--x) with an unmapped pointer: SIGSEGV, not EFAULT, RIP at the entry.
// arch/x86/entry/vsyscall/vsyscall_64.c: SI_KERNEL since Linux 6.10; before, SEGV_MAPERR with the pointer as
// address.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600400
        mov     edi, 0x1000
        FAULT
        call    rbx
        END
