// sysexit at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM vol.
// 2B, SYSEXIT.
#include "death.inc"
        DEATH
        FAULT
        .byte   0x0f, 0x35              // sysexit
        END
