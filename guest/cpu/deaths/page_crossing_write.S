// A write whose last bytes are unmapped: the address is the first unmapped byte, and nothing is written. SIGSEGV,
// SEGV_MAPERR. SDM vol. 3A, 6.15, interrupt 14 (CR2).
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
        xor     ecx, ecx
        xor     r11d, r11d
        mov     ebx, 0x20000ffd
        mov     eax, [rbx - 1]
        FAULT
        mov     [rbx], r8
        END
