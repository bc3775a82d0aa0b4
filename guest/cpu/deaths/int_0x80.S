// int 0x80 without IA32_EMULATION: SIGSEGV, SI_KERNEL, at the instruction; with it, an i386 system call. Here number
// 0x7fffffff: ENOSYS, and the program survives. arch/x86/kernel/idt.c, arch/x86/entry/entry_64_compat.S.
#include "death.inc"
        DEATH
        mov     eax, 0x7fffffff
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        FAULT
        int     0x80
        END
