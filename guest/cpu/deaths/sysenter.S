// sysenter in 64-bit mode: #GP on Intel without IA32_EMULATION (SIGSEGV, SI_KERNEL), #UD on AMD (SIGILL). SDM vol.
// 2B, SYSENTER; AMD64 APM vol. 3, SYSENTER.
#include "death.inc"
        DEATH
        mov     eax, 0x7fffffff
        FAULT
        sysenter
        END
