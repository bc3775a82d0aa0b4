// rep movsb that reaches an unmapped page part way: what was copied is copied, rcx, rsi and rdi say how far.
// SIGSEGV, SEGV_MAPERR. SDM vol. 2B, REP.
#include "death.inc"
        DEATH
        mov     eax, SYS_mmap
        mov     edi, 0x20000000
        mov     esi, 4096
        mov     edx, 3
        mov     r10d, 0x32
        mov     r8, -1
        xor     r9d, r9d
        syscall
        xor     eax, eax
        xor     r11d, r11d
        mov     edi, 0x20000ff0
        mov     esi, OFFSET scratch
        mov     ecx, 40
        FAULT
        rep movsb
        END
