// Calling gettimeofday in the vsyscall page (--x) works and returns 0. arch/x86/entry/vsyscall/vsyscall_64.c,
// emulate_vsyscall.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600000
        mov     edi, OFFSET scratch
        xor     esi, esi
        FAULT
        call    rbx
        END
