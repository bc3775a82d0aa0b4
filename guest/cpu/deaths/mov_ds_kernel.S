// Loading DS with a kernel data selector (DPL 0) at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL. SDM vol.
// 2B, MOV; arch/x86/include/asm/segment.h (__KERNEL_DS is 0x18).
#include "death.inc"
        DEATH
        mov     eax, 0x18
        FAULT
        mov     ds, eax
        END
