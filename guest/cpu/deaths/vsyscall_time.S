// Calling time in the vsyscall page (--x) works. arch/x86/entry/vsyscall/vsyscall_64.c, emulate_vsyscall.
#include "death.inc"
        DEATH
        mov     rbx, 0xffffffffff600400
        mov     edi, OFFSET scratch
        FAULT
        call    rbx
        xor     eax, eax
        END
